import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { create } from "../../src/call/message.ts"
import { generateObject } from "../../src/call/object.ts"
import { generateText, streamText, type TextReply } from "../../src/call/text.ts"
import { maxContinuations } from "../../src/call/turn.ts"
import type { Claude } from "../../src/claude/Claude.ts"
import { ClaudeError, Overloaded, StreamInterrupted } from "../../src/claude/ClaudeError.ts"
import type { Message } from "../../src/claude/Reply.ts"
import type { Request } from "../../src/claude/Request.ts"
import * as Usage from "../../src/claude/Usage.ts"
import * as ResponseCache from "../../src/policy/ResponseCache.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { message, searched, thinking } from "../fixtures.ts"

describe("a turn that stops for", () => {
  // Every stop reason of SDK 1.14 and of its beta API, and one that does not exist yet.
  const outcomes: ReadonlyArray<readonly [stopReason: string | null, tag: string]> = [
    ["end_turn", "text"],
    ["stop_sequence", "text"],
    ["max_tokens", "OutputTruncated"],
    ["tool_use", "ToolUseRequested"],
    ["pause_turn", "TurnPaused"],
    ["compaction", "TurnPaused"],
    ["refusal", "Refused"],
    ["model_context_window_exceeded", "ContextWindowExceeded"],
    ["a_reason_of_tomorrow", "text"],
    [null, "text"]
  ]

  it.effect.each(outcomes)("%s ends in %s, streamed or not", ([stopReason, tag]) =>
    Effect.gen(function* () {
      for (const asked of [generateText(prompt), finished(prompt)]) {
        const outcome = yield* Effect.match(asked, { onFailure: ({ reason }) => reason, onSuccess: ({ text }) => text })
        if (tag === "text") {
          assert.strictEqual(outcome, "Half")
          continue
        }
        assert(typeof outcome !== "string")
        const calls = tag === "TurnPaused" ? 1 + maxContinuations : 1
        assert.strictEqual(outcome._tag, tag)
        assert.deepInclude({ ...outcome }, { text: "Half".repeat(calls) })
        assert.deepInclude(outcome.usage, { input: 10 * calls, output: 20 * calls })
        assert.notInclude(outcome.message, "Half")
        assert.isFalse(outcome.isRetryable)
      }
    }).pipe(Effect.provide(TestClaude.layer(stoppedFor(stopReason))))
  )

  it.effect.each(outcomes)("%s is returned unchanged by Claude.create", ([stopReason]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* create(prompt)).message, stoppedFor(stopReason))
      assert.lengthOf(yield* TestClaude.calls, 1)
    }).pipe(Effect.provide(TestClaude.layer(stoppedFor(stopReason))))
  )
})

describe("a turn without text", () => {
  it.effect.each<[string, ReadonlyArray<string | typeof thinking>]>([
    ["no block", []],
    ["an empty block after thinking", [thinking, ""]],
    ["white space", [" \n"]]
  ])("fails with OutputEmpty, which is retryable: %s", ([, content]) =>
    Effect.gen(function* () {
      for (const asked of [generateText(prompt), finished(prompt)]) {
        const { reason } = yield* Effect.flip(asked)
        assert.strictEqual(reason._tag, "OutputEmpty")
        assert.deepInclude(reason.usage, { input: 10, output: 20 })
        assert.isTrue(reason.isRetryable)
      }
    }).pipe(Effect.provide(TestClaude.layer(message({ content }))))
  )
})

describe("a stop for a tool", () => {
  it.effect("carries the message, so that the caller can run the tool and continue", () =>
    Effect.gen(function* () {
      const tools = [{ name: "lookup", input_schema: { type: "object" as const } }]
      const conversation = { tools, messages: [{ role: "user" as const, content: "Hi" }] }
      const { text } = yield* generateText(conversation).pipe(
        Effect.catchReason("ClaudeError", "ToolUseRequested", ({ answer, detail }) => {
          assert.strictEqual(detail, "Claude stopped to call the tool lookup")
          const results = answer.content.flatMap((block) =>
            block.type === "tool_use" ? [{ type: "tool_result" as const, tool_use_id: block.id, content: "4" }] : []
          )
          const messages = [
            ...conversation.messages,
            { role: "assistant" as const, content: answer.content },
            { role: "user" as const, content: results }
          ]
          return generateText({ ...conversation, messages })
        })
      )
      assert.strictEqual(text, "The answer is 4.")
    }).pipe(
      Effect.provide(TestClaude.layer([TestClaude.toolCall("lookup", Schema.Struct({}), {}), "The answer is 4."]))
    )
  )
})

describe("a paused turn", () => {
  it.effect("is continued: text, usage and cost cover the whole turn", () =>
    Effect.gen(function* () {
      for (const asked of [generateText(prompt), finished(prompt)]) {
        const reply = yield* asked
        assert.strictEqual(reply.text, "I'll look. Found it. It is 4.")
        assert.deepInclude(reply.usage, { input: 30, output: 60 })
        assert.strictEqual(reply.cost && BigDecimal.format(reply.cost), "0.00066")
        assert.deepStrictEqual(
          reply.message.content.map(({ type }) => type),
          ["text", "server_tool_use", "web_search_tool_result", "text", "text"]
        )
        assert.strictEqual(reply.message.stop_reason, "end_turn")
      }
      assert.strictEqual((yield* generateText(prompt)).requestId, "req_test_9")
    }).pipe(Effect.provide(TestClaude.layer([...pausedTwice, ...pausedTwice, ...pausedTwice])))
  )

  it.effect("is streamed as one text", () =>
    Effect.gen(function* () {
      const pieces = yield* Stream.runCollect(streamText(prompt))
      assert.strictEqual(pieces.join(""), "I'll look. Found it. It is 4.")
    }).pipe(Effect.provide(TestClaude.layer(pausedTwice)))
  )

  it.effect("goes back as the last message, and the rest of the request stays the same", () =>
    Effect.gen(function* () {
      yield* generateText(prompt)
      const [first, second, third] = yield* TestClaude.calls
      assert(first !== undefined)
      const [paused, again] = pausedTwice.map(({ content }) => content)
      const asked = (content: ReadonlyArray<unknown>) => [...first.messages, { role: "assistant", content }]
      assert.deepStrictEqual<unknown>(second, { ...first, messages: asked(paused ?? []) })
      assert.deepStrictEqual<unknown>(third, { ...first, messages: asked([...(paused ?? []), ...(again ?? [])]) })
    }).pipe(Effect.provide(TestClaude.layer(pausedTwice)))
  )

  it.effect.each<[string, Container | undefined, Message["container"], Container | undefined]>([
    ["none if the API used none", undefined, null, undefined],
    ["the one of the answer", undefined, container, "container_1"],
    [
      "the container of the answer, with the skills of the request",
      { skills: [] },
      container,
      { skills: [], id: "container_1" }
    ]
  ])("names its container in the continuation: %s", ([, asked, used, expected]) =>
    Effect.gen(function* () {
      yield* generateText({ ...prompt, ...(asked !== undefined && { container: asked }) })
      const [, second] = yield* TestClaude.calls
      assert.deepStrictEqual(second?.container, expected)
    }).pipe(
      Effect.provide(
        TestClaude.layer([message({ content: [...searched], stop_reason: "pause_turn", container: used }), "Done."])
      )
    )
  )

  it.effect("whose continuation fails reports the usage of all its calls, whole or streamed", () =>
    Effect.gen(function* () {
      for (const asked of [generateText(prompt), finished(prompt)]) {
        const { reason } = yield* Effect.flip(asked)
        assert.instanceOf(reason, StreamInterrupted)
        assert.strictEqual(reason.detail, "the connection broke")
        assert.deepInclude(reason.usage, { input: 10 + 10 + 7, output: 20 + 20 + 3 })
      }
    }).pipe(Effect.provide(TestClaude.layer([...brokenTurn, ...brokenTurn])))
  )

  it.effect("whose continuation is not answered reports the usage of the earlier calls", () =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(generateText(prompt))
      assert.instanceOf(reason, Overloaded)
      assert.deepInclude(reason.usage, { input: 10, output: 20 })
      assert.strictEqual(reason.message, overloaded.message)
    }).pipe(Effect.provide(TestClaude.layer([stoppedFor("pause_turn"), overloaded])))
  )

  it.effect("without content repeats the request", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* generateText(prompt)).text, "Done.")
      const [first, second] = yield* TestClaude.calls
      assert.deepStrictEqual(second, first)
    }).pipe(Effect.provide(TestClaude.layer([message({ content: [], stop_reason: "pause_turn" }), "Done."])))
  )

  it.effect("of a server-held thread is not continued", () =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(
        generateText({ ...prompt, thread: { type: "continue", previous_message_id: "msg_0" } })
      )
      assert.strictEqual(reason._tag, "TurnPaused")
      assert.lengthOf(yield* TestClaude.calls, 1)
    }).pipe(Effect.provide(TestClaude.layer(stoppedFor("pause_turn"))))
  )
})

describe("a cache that keeps every answer", () => {
  const Letter = Schema.Struct({ author: Schema.String })
  const good = `{"author":"Ada"}`

  it.effect.each<[string, ReadonlyArray<Message>]>([
    ["a truncated one", [stoppedFor("max_tokens")]],
    ["one without text", [message({ content: [] })]],
    ["one that stops for a tool", [stoppedFor("tool_use")]],
    ["one truncated after a pause", [stoppedFor("pause_turn"), stoppedFor("max_tokens")]],
    ["one that stays paused", Array.from({ length: 1 + maxContinuations }, () => stoppedFor("pause_turn"))]
  ])("drops an answer that a verb rejects: %s", ([, rejected]) =>
    Effect.gen(function* () {
      const verbs = [generateText(about("a")), finished(about("b")), generateObject(Letter, about("c"))]
      for (const asked of verbs) {
        const verdicts = yield* Effect.all([Effect.result(asked), Effect.result(asked)])
        assert.deepStrictEqual(
          verdicts.map(({ _tag }) => _tag),
          ["Failure", "Success"]
        )
      }
    }).pipe(Effect.provide(cached([rejected, good, rejected, good, rejected, good].flat())))
  )

  it.effect("drops an answer whose onFinish fails", () =>
    Effect.gen(function* () {
      const asked = Stream.runDrain(streamText(prompt, { onFinish: () => Effect.fail("not what I wanted") }))
      assert.strictEqual(yield* Effect.flip(asked), "not what I wanted")
      assert.strictEqual((yield* generateText(prompt)).text, "second")
    }).pipe(Effect.provide(cached(["first", "second"])))
  )

  it.effect("drops an answer that does not decode, even if the decoder dies", () =>
    Effect.gen(function* () {
      const dies = Schema.String.check(Schema.makeFilter(() => assert.fail("planted"), { expected: "nothing" }))
      yield* Effect.exit(generateObject(Schema.Struct({ author: dies }), prompt))
      const { value } = yield* generateObject(Schema.Struct({ author: Schema.String }), prompt)
      assert.strictEqual(value.author, "Bea")
      assert.lengthOf(yield* TestClaude.calls, 2)
    }).pipe(Effect.provide(cached([good, `{"author":"Bea"}`])))
  )

  it.effect("keeps an accepted answer, including the calls of a paused turn", () =>
    Effect.gen(function* () {
      yield* generateText(prompt)
      const again = yield* generateText(prompt)
      assert.deepInclude(again, { text: "HalfDone.", origin: "cache" })
      assert.strictEqual(again.cost && BigDecimal.format(again.cost), "0")
      assert.lengthOf(yield* TestClaude.calls, 2)
    }).pipe(Effect.provide(cached([stoppedFor("pause_turn"), "Done."])))
  )
})

// Builders

const about = (content: string) => ({ messages: [{ role: "user" as const, content }] })
const prompt = about("Hi")

type Container = Request["container"]
const container = { id: "container_1", expires_at: "2026-12-01T00:00:00Z", skills: null }

/** A message with the text "Half" that stops for this reason, of any version of the API. */
const stoppedFor = (stop_reason: string | null): Message =>
  message({ ...message("Half"), stop_reason: stop_reason as Message["stop_reason"] })

/** A search that pauses twice, once between the call of the tool and its result. */
const pausedTwice = [
  message({ content: ["I'll look. ", searched[0]], stop_reason: "pause_turn" }),
  message({ content: [searched[1], "Found it. "], stop_reason: "pause_turn" }),
  message({ content: ["It is 4."] })
]

const partial = Usage.fromMessage({ ...message("").usage, input_tokens: 7, output_tokens: 3 })

/** Two calls that pause, and one that breaks in the middle. */
const brokenTurn = [
  stoppedFor("pause_turn"),
  stoppedFor("pause_turn"),
  new ClaudeError({ reason: new StreamInterrupted({ detail: "the connection broke", usage: partial }) })
]

const overloaded = new ClaudeError({ reason: new Overloaded({ detail: "busy", status: 529 }) })

/** The value that `streamText` passes to `onFinish`. */
const finished = (asked: typeof prompt): Effect.Effect<TextReply, ClaudeError, Claude> =>
  Effect.suspend(() => {
    let reply: TextReply | undefined
    const text = streamText(asked, { onFinish: (whole) => Effect.sync(() => (reply = whole)) })
    return Effect.flatMap(Stream.runDrain(text), () =>
      reply === undefined ? Effect.die("no reply") : Effect.succeed(reply)
    )
  })

const cached = (replies: ReadonlyArray<TestClaude.Given>) =>
  TestClaude.layer(replies).pipe(
    ResponseCache.policy({ keep: () => true }),
    Layer.provideMerge(ResponseCache.layerMemory())
  )
