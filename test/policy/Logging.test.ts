import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CallSite from "../../src/claude/CallSite.ts"
import { Claude } from "../../src/claude/Claude.ts"
import { ConnectionFailed, InvalidRequest, Overloaded, type Reason } from "../../src/claude/ClaudeError.ts"
import type { Request } from "../../src/claude/Request.ts"
import * as Fallback from "../../src/policy/Fallback.ts"
import * as Logging from "../../src/policy/Logging.ts"
import * as Retry from "../../src/policy/Retry.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { firstHalf, message, request } from "../fixtures.ts"

describe("a call that succeeds", () => {
  it.effect("logs two lines at Debug, with the facts as annotations, and one line for each retry", () =>
    Effect.gen(function* () {
      const { lines } = yield* logged(TestClaude.layer([busy, answer]), create(prompt))
      assert.deepStrictEqual(
        lines.map(({ level, message }) => [level, message]),
        [
          ["Debug", "call begins"],
          ["Info", "attempt 1 failed: Overloaded (529): later; trying again in 3s"],
          ["Debug", "call answered"]
        ]
      )
      const { "effect_claude.cost.usd": cost, ...end } = lines[2]?.annotations ?? {}
      assert.isAbove(Number(cost), 0)
      assert.deepStrictEqual(lines[0]?.annotations, {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "claude-sonnet-5-5",
        "gen_ai.request.max_tokens": 100,
        "effect_claude.request.messages": 2,
        "effect_claude.request.length": 29
      })
      assert.deepStrictEqual(end, {
        "gen_ai.request.model": "claude-sonnet-5-5",
        "gen_ai.response.id": "msg_1",
        "gen_ai.response.model": "claude-sonnet-5-5",
        "gen_ai.response.finish_reasons": ["end_turn"],
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.cache_write.input_tokens": 0,
        "effect_claude.attempts": 2,
        "effect_claude.origin": "api",
        "effect_claude.request_id": "req_test_2",
        "effect_claude.response.length": 17,
        "effect_claude.duration": 3
      })
    })
  )

  it.effect("logs the same for a stream", () =>
    Effect.gen(function* () {
      const { lines } = yield* logged(TestClaude.layer([answer]), Stream.runDrain(stream))
      const [begin, end] = lines
      assert.strictEqual(begin?.annotations["gen_ai.request.stream"], true)
      assert.strictEqual(end?.message, "call answered")
      assert.strictEqual(end?.annotations["effect_claude.response.length"], 17)
      assert.strictEqual(end?.annotations["gen_ai.usage.output_tokens"], 20)
    })
  )

  it.effect("logs nothing if the minimum level is above Debug", () =>
    Effect.gen(function* () {
      const { lines } = yield* logged(TestClaude.layer([answer]), create(prompt), "Info")
      assert.deepStrictEqual(lines, [])
    })
  )
})

describe("the annotations", () => {
  it.effect("join the program's own annotations, and name the call site", () =>
    Effect.gen(function* () {
      const call = create(prompt).pipe(
        CallSite.within("ask"),
        CallSite.row("letters", "17"),
        Effect.annotateLogs("user", "ada")
      )
      const { lines } = yield* logged(TestClaude.layer([answer]), call)
      for (const { annotations } of lines) {
        assert.deepStrictEqual(
          [annotations["user"], annotations["effect_claude.job"], annotations["effect_claude.row"]],
          ["ada", "letters", "17"]
        )
        assert.strictEqual(annotations["effect_claude.step.path"], "ask")
      }
    })
  )

  it.effect("do not contain the text of prompts or answers", () =>
    Effect.gen(function* () {
      const { lines } = yield* logged(TestClaude.layer([answer]), create(prompt))
      const everything = JSON.stringify(lines)
      for (const text of ["kettle", "brief", "Hello"]) assert.notInclude(everything, text)
    })
  )
})

describe("a retry", () => {
  it.effect("logs one line at Info with the attempt, the reason and the delay", () =>
    Effect.gen(function* () {
      for (const call of [create(prompt), Stream.runDrain(stream)]) {
        const { lines } = yield* logged(TestClaude.layer([busy, answer]), CallSite.within("ask")(call), "Info")
        assert.deepStrictEqual(
          lines.map(({ level, message }) => [level, message]),
          [["Info", "attempt 1 failed: Overloaded (529): later; trying again in 3s"]]
        )
        assert.deepStrictEqual(lines[0]?.annotations, {
          "gen_ai.request.model": "claude-sonnet-5-5",
          "effect_claude.step.path": "ask",
          "error.type": "Overloaded"
        })
      }
    })
  )

  it.effect("logs the number of attempts under the default schedule", () =>
    Effect.gen(function* () {
      const refused = new ConnectionFailed({ detail: "connect ECONNREFUSED", code: "ECONNREFUSED" })
      const { lines } = yield* logged(TestClaude.layer([refused, busy, answer]), create(prompt), "Info", Retry.policy())
      assert.deepStrictEqual(
        lines.map(({ message }) => message.replace(/\d+ms/, "0ms")),
        [
          "attempt 1 of 5 failed: ConnectionFailed: connect ECONNREFUSED [ECONNREFUSED]; trying again in 0ms",
          "attempt 2 of 13 failed: Overloaded (529): later; trying again in 0ms"
        ]
      )
    })
  )
})

describe("a fallback", () => {
  it.effect("logs one line at Info with both models and the reason", () =>
    Effect.gen(function* () {
      const claude = TestClaude.layer(({ model }) => (model === request.model ? busy : answer)).pipe(
        Fallback.policy([{ model: "claude-opus-5" }])
      )
      const { lines } = yield* logged(claude, create(prompt), "Info")
      assert.deepStrictEqual(lines, [
        {
          level: "Info",
          message: "claude-sonnet-5-5 failed: Overloaded (529): later; asking claude-opus-5",
          annotations: { "gen_ai.request.model": "claude-sonnet-5-5", "error.type": "Overloaded" }
        }
      ])
    })
  )
})

describe("the level", () => {
  it.effect.each<[string, Reason]>([
    ["a failure that stays", new InvalidRequest({ detail: "no" })],
    ["a transient failure", new Overloaded({ detail: "later", shouldRetry: false })]
  ])("is Debug for %s: the caller may handle it", ([, reason]) =>
    Effect.gen(function* () {
      const { lines } = yield* logged(TestClaude.layer([reason]), Effect.exit(create(prompt)))
      const [, { annotations, level, message } = noLine] = lines
      assert.deepStrictEqual([level, annotations["error.type"]], ["Debug", reason._tag])
      assert.include(message, `call failed: ${reason._tag}`)
    })
  )

  it.effect("is Debug for an answer that the verbs reject", () =>
    Effect.gen(function* () {
      const cut = message({ content: ["Hello"], stop_reason: "max_tokens" })
      const { lines } = yield* logged(TestClaude.layer([cut]), create(prompt))
      assert.deepStrictEqual([lines[1]?.level, lines[1]?.message], ["Debug", "call answered, unusable"])
    })
  )

  it.effect("is Debug for an interrupted call, since its caller knows", () =>
    Effect.gen(function* () {
      const never = Layer.mock(Claude)({ create: () => Effect.never })
      const { lines } = yield* logged(never, Effect.timeoutOption(create(prompt), "2 seconds"))
      assert.deepStrictEqual(
        lines.map(({ level, message }) => [level, message]),
        [
          ["Debug", "call begins"],
          ["Debug", "call interrupted"]
        ]
      )
    })
  )

  it.effect("is Debug for a stream whose reader failed, since the call did not fail", () =>
    Effect.gen(function* () {
      const half = Layer.mock(Claude)({ stream: () => Stream.fromIterable(firstHalf(answer)) })
      const reading = Effect.exit(Stream.runForEach(stream, () => Effect.fail("mine")))
      const { lines } = yield* logged(half, reading)
      assert.deepStrictEqual(
        lines.map(({ level, message }) => [level, message]),
        [
          ["Debug", "call begins"],
          ["Debug", "call interrupted"]
        ]
      )
    })
  )
})

// Builders

const noLine = { level: "", message: "", annotations: {} as Readonly<Record<string, unknown>> }
const busy = new Overloaded({ detail: "later", status: 529 })
const answer = message("Hello, you there.")
const prompt: Request = {
  ...request,
  system: "Be brief.",
  messages: [
    { role: "user", content: "My kettle." },
    { role: "assistant", content: [{ type: "text", text: "Your what?" }] }
  ]
}

const create = (request: Request) => Claude.use((claude) => claude.create(request))
const stream = Stream.unwrap(Claude.useSync((claude) => claude.stream(request)))

/** The logged lines of a program whose calls are retried once, after 3 seconds. */
const logged = Effect.fnUntraced(function* <A, B, E>(
  claude: Layer.Layer<B | Claude>,
  call: Effect.Effect<A, E, Claude>,
  minimum: "Debug" | "Info" = "Debug",
  retry = Retry.policy(Schedule.spaced("3 seconds").pipe(Schedule.upTo({ times: 1 })))
) {
  const lines: Array<{ level: string; message: string; annotations: Readonly<Record<string, unknown>> }> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    const annotations = fiber.getRef(References.CurrentLogAnnotations)
    lines.push({ level: logLevel, message: [message].flat().join(" "), annotations })
  })
  const running = yield* call.pipe(
    Effect.provide(claude.pipe(retry, Logging.policy(), Layer.provideMerge(Logger.layer([logger])))),
    Effect.provideService(References.MinimumLogLevel, minimum),
    Effect.forkChild
  )
  yield* TestClock.adjust("1 minute")
  yield* Fiber.join(running)
  return { lines }
})
