/**
 * A conversation of 10 turns with 30 calls, of which some fail, are slow, name no tool or do not fit, interrupted at each
 * of its events in turn.
 */
import { assert, describe, it } from "@effect/vitest"
import { Claude, Event, Usage } from "effect-claude"
import { Emulator, TestClaude } from "effect-claude/testing"
import { Effect, Fiber, Schema, Stream } from "effect"
import { Tool, Toolkit } from "effect/ai"
import { TestClock } from "effect/testing"

describe("a conversation of 10 turns with 30 calls", () => {
  it.effect("answers each call, and sums the usage of all turns", () =>
    Effect.gen(function* () {
      const { layer, log } = world()
      const reply = yield* inTime(Claude.generateWithTools(toolkit, "Go", options).pipe(Effect.provide(layer)))
      assert.strictEqual(reply.turns, 10)
      assert.strictEqual(callsIn(reply.messages).length, 30)
      assert.deepStrictEqual(open(reply.messages), [])
      assert.strictEqual(log.filter((entry) => entry.startsWith("begin")).length, 17)
      const { input, output } = yield* billedUsage
      assert.deepInclude(reply.usage, { input, output })
    }).pipe(Effect.provide(emulator()))
  )

  it.effect("gives the same reply as a stream", () =>
    Effect.gen(function* () {
      const { layer } = world()
      const whole = yield* inTime(Claude.generateWithTools(toolkit, "Go", options).pipe(Effect.provide(layer)))
      const last = yield* inTime(
        Stream.runLast(Claude.streamWithTools(toolkit, "Go", options)).pipe(
          Effect.flatMap((element) => Effect.fromOption(element)),
          Effect.provide(layer)
        )
      )
      if (last._tag !== "finished") return assert.fail(last._tag)
      const facts = ({ cost, messages, text, turns, usage }: Claude.ToolsReply) => ({
        cost,
        messages,
        text,
        turns,
        usage
      })
      assert.deepStrictEqual(facts(last.reply), facts(whole))
    }).pipe(Effect.provide(emulator()))
  )

  it.effect("can be continued from every limit of turns, because no call is open", () =>
    Effect.gen(function* () {
      const { layer } = world()
      for (let turns = 1; turns < 10; turns++) {
        const before = yield* billedUsage
        const error = yield* Claude.generateWithTools(toolkit, "Go", { ...options, limits: { turns } }).pipe(
          Effect.provide(layer),
          Effect.flip,
          inTime
        )
        if (error._tag !== "ToolLimitReached") return assert.fail(error.message)
        assert.deepStrictEqual(open(error.messages), [])
        const after = yield* billedUsage
        assert.strictEqual(error.usage.input, after.input - before.input)
        const next = { role: "user" as const, content: "Stop here." }
        // The emulator refuses a conversation with an open call.
        const tools = [{ name: "quick", input_schema: { type: "object" as const } }]
        const messages = [...error.messages, next]
        yield* inTime(Claude.create({ messages, tools, tool_choice: { type: "none" } }))
      }
    }).pipe(Effect.provide(emulator()))
  )

  it.effect("runs no call of a turn that is cut off, and keeps the usage of all turns", () =>
    Effect.gen(function* () {
      const { layer, log } = world()
      const error = yield* Claude.generateWithTools(
        toolkit,
        { messages: [{ role: "user", content: "Go" }], max_tokens: 60 },
        options
      ).pipe(Effect.provide(layer), Effect.flip, inTime)
      if (error._tag !== "ClaudeError") return assert.fail(error.message)
      assert.strictEqual(error.reason._tag, "OutputTruncated")
      assert.isFalse(log.includes("begin cut"))
      const { input, output } = yield* billedUsage
      assert.deepInclude(error.reason.usage, { input, output })
    }).pipe(Effect.provide(emulator({ cutAt: 5 })))
  )

  it.effect("leaves nothing running after an interruption at any event, whole and as a stream", () =>
    Effect.gen(function* () {
      let moments = 0
      for (const way of ["whole", "stream"] as const) {
        for (let at = 1; ; at++) {
          const isDone = yield* interruptedAt(way, at)
          moments++
          if (isDone) break
        }
      }
      assert.isAbove(moments, 150)
    })
  )
})

// Builders

/** Runs the conversation and interrupts it at this event. Returns whether it ended before. */
const interruptedAt = Effect.fnUntraced(function* (way: "whole" | "stream", at: number) {
  let seen = 0
  let fiber: Fiber.Fiber<unknown, unknown> | undefined
  const moment = Effect.suspend(() => {
    if (++seen === at) fiber?.interruptUnsafe()
    return Effect.void
  })
  const { layer, log, running } = world(moment)
  const asked =
    way === "whole"
      ? Claude.generateWithTools(toolkit, "Go", options)
      : Stream.runForEach(Claude.streamWithTools(toolkit, "Go", options), () => moment)
  let requests = 0
  const claude = TestClaude.layer(({ messages }) => {
    requests++
    return { content: turn((messages.length + 1) / 2), usage: { input_tokens: 10 } }
  })
  fiber = yield* Effect.forkChild(
    asked.pipe(
      Event.listen(() => moment),
      Effect.provide([layer, claude])
    )
  )
  for (let second = 0; second < 40 && fiber.pollUnsafe() === undefined; second++) yield* TestClock.adjust("1 second")
  assert.isDefined(fiber.pollUnsafe(), `${way} ${at}: it ends`)
  yield* Fiber.await(fiber)
  assert.strictEqual(running(), 0, `${way} ${at}: no handler runs`)
  const before = [log.length, requests]
  yield* TestClock.adjust("1 hour")
  assert.deepStrictEqual([log.length, requests], before, `${way} ${at}: nothing happens afterwards`)
  return seen < at
})

class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {}

const parameters = Schema.Struct({ id: Schema.String })
const tools = {
  quick: Tool.make("quick", { parameters, success: Schema.String }),
  slow: Tool.make("slow", { parameters, success: Schema.String }),
  failing: Tool.make("failing", { parameters, failure: Broken, failureMode: "return" }),
  endless: Tool.make("endless", { parameters })
}
const toolkit = Toolkit.make(tools.quick, tools.slow, tools.failing, tools.endless)
const options = { timeout: "2 seconds", concurrency: 2 } as const

/** Handlers that keep a log. */
const world = (moment: Effect.Effect<void> = Effect.void) => {
  const log: Array<string> = []
  let count = 0
  const handler =
    <A, E>(work: Effect.Effect<A, E>) =>
    ({ id }: { readonly id: string }) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          count++
          log.push(`begin ${id}`)
        }),
        () =>
          moment.pipe(
            Effect.andThen(work),
            Effect.tap(() => moment)
          ),
        () =>
          Effect.sync(() => {
            count--
            log.push(`end ${id}`)
          })
      )
  const layer = toolkit.toLayer({
    quick: handler(Effect.succeed("quickly")),
    slow: handler(Effect.as(Effect.sleep("1 second"), "slowly")),
    failing: handler(Effect.fail(new Broken())),
    endless: handler(Effect.never)
  })
  return { layer, log, running: () => count }
}

/** The content of a turn, counted from 1: nine turns with calls, and an answer. */
const turn = (number: number) => {
  if (number > 9) return [{ type: "text" as const, text: "Done.", citations: null }]
  const kinds = ["quick", "failing", "slow", "unknown", "invalid", "quick", "endless", "unknown", "slow", "invalid"]
  const count = number <= 3 ? 4 : 3
  return Array.from({ length: count }, (_, at) => {
    const kind = kinds[(number * 3 + at) % kinds.length] ?? "quick"
    const id = `${number}.${at}`
    const name = kind === "invalid" ? "quick" : kind
    const input = kind === "invalid" ? { id: 1 } : { id }
    return { type: "tool_use" as const, id: `toolu_${number}_${at}`, name, input, caller: { type: "direct" as const } }
  })
}

const cut = { type: "tool_use", id: "toolu_cut", name: "quick", input: { id: "cut".repeat(200) } }

const emulator = ({ cutAt = Infinity } = {}) =>
  Emulator.layer({
    replies: [
      {
        when: ({ tool_choice }) => tool_choice?.type !== "none",
        reply: ({ messages }) => {
          const number = (messages.length + 1) / 2
          return { content: number === cutAt ? [cut] : turn(number) }
        }
      }
    ]
  })

type Messages = Claude.ToolsReply["messages"]

const blocksOf = (messages: Messages) => messages.flatMap(({ content }) => (Array.isArray(content) ? content : []))
const callsIn = (messages: Messages) => blocksOf(messages).filter(({ type }) => type === "tool_use")

/** The calls whose result is not in the next message. */
const open = (messages: Messages) =>
  messages.flatMap((message, at) =>
    callsIn([message]).filter((call) => {
      const results = blocksOf(messages.slice(at + 1, at + 2))
      return !results.some((block) => block.type === "tool_result" && "id" in call && block.tool_use_id === call.id)
    })
  )

const billedUsage = Effect.map(
  Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger),
  (entries) => entries.map(({ usage }) => usage).reduce(Usage.sum, Usage.zero)
)

/** Lets the fibers and promises run, and then a second pass, until the effect ends. */
const inTime = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) {
    yield* Effect.repeat(Effect.yieldNow, { times: 50 })
    yield* TestClock.adjust("1 second")
  }
  return yield* Fiber.join(fiber)
})
