import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as CallEvent from "../../src/claude/CallEvent.ts"
import { Claude } from "../../src/claude/Claude.ts"
import { ClaudeError, NotFound, Overloaded } from "../../src/claude/ClaudeError.ts"
import * as Reply from "../../src/claude/Reply.ts"
import { fill, type Prompt } from "../../src/claude/Request.ts"
import * as StreamEvent from "../../src/claude/StreamEvent.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"

describe("a reply", () => {
  it.effect("may be a text, always the same", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual([yield* say("a"), yield* say("b")], ["Hello.", "Hello."])
    }).pipe(Effect.provide(TestClaude.layer("Hello.")))
  )

  it.effect("may be fields of a message", () =>
    Effect.gen(function* () {
      const { message, requestId, origin } = yield* create("Hi")
      assert.deepInclude(message, { id: "msg_test_1", stop_reason: "refusal", model: defaults.model, content: [] })
      assert.deepStrictEqual([requestId, origin], ["req_test_1", "api"])
    }).pipe(Effect.provide(TestClaude.layer({ stop_reason: "refusal", content: [] })))
  )

  it.effect("may be the reason of a failure", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Effect.flip(create("Hi")), new ClaudeError({ reason: gone }))
    }).pipe(Effect.provide(TestClaude.layer(gone)))
  )

  it.effect("may be a list, one after the other", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* say("Hi"), "first")
      assert.strictEqual((yield* Effect.flip(create("Hi"))).reason, gone)
      assert.strictEqual(yield* say("Hi"), "third")
    }).pipe(Effect.provide(TestClaude.layer(["first", gone, "third"])))
  )

  it.effect("may be a function of the request, to an answer or an effect", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* say("Hi"), "You said: Hi")
      assert.strictEqual((yield* Effect.flip(create("fail"))).reason, overloaded)
    }).pipe(
      Effect.provide(
        TestClaude.layer(
          TestClaude.when(/^fail$/, () => Effect.fail(new ClaudeError({ reason: overloaded }))),
          (request) => `You said: ${TestClaude.promptText(request)}`
        )
      )
    )
  )

  it.effect("is the same for create and stream", () =>
    Effect.gen(function* () {
      const { message } = yield* create("Hi")
      const [start, ...events] = yield* Stream.runCollect(stream("Hi"))
      assert.strictEqual(start?.type, "stream_start")
      assert.deepStrictEqual(events, StreamEvent.fromMessage({ ...message, id: "msg_test_2" }))
    }).pipe(Effect.provide(TestClaude.layer("One two three.")))
  )
})

describe("when", () => {
  it.effect("answers where the prompt matches, or the request; the first that applies wins", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* say("the date of this letter"), "1842")
      assert.strictEqual(yield* say({ messages: [], model: "claude-haiku-5-5" }), "small")
      assert.strictEqual(yield* say("what else?"), "anything")
    }).pipe(
      Effect.provide(
        TestClaude.layer(
          TestClaude.when(/date/, "1842"),
          TestClaude.when((request) => request.model === "claude-haiku-5-5", "small"),
          "anything",
          TestClaude.when(/else/, "never reached")
        )
      )
    )
  )

  it.effect("remembers nothing of a pattern with the flag g", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual([yield* say("date"), yield* say("date"), yield* say("date")], ["1842", "1842", "1842"])
    }).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/date/g, "1842"))))
  )

  it.effect("reads the system prompt, the blocks of messages and the results of tools", () =>
    Effect.gen(function* () {
      const content = [{ type: "tool_result" as const, tool_use_id: "t1", content: [text("sunny")] }, text("Umbrella?")]
      const prompt: Prompt = { system: [text("Be brief.")], messages: [{ role: "user", content }] }
      assert.strictEqual(TestClaude.promptText(fill(prompt, defaults)), "Be brief.\nsunny\nUmbrella?")
      assert.strictEqual(yield* say(prompt), "No.")
    }).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/sunny/, "No."))))
  )
})

describe("a call without a reply", () => {
  it.effect("is a defect that quotes the prompt and says what to do", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(create("What else?"))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.match(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", /call 1: "What else\?"; add one/)
    }).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/date/, "1842"))))
  )

  it.effect("is a defect too when a list has run dry, and names the call", () =>
    Effect.gen(function* () {
      yield* create("one")
      yield* create("two")
      const exit = yield* Effect.exit(create("three"))
      assert.match(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", /call 3: "three"/)
    }).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/one/, "first"), ["second"])))
  )
})

describe("TestClaude", () => {
  it.effect("knows every request, in the order of arrival, answered or not", () =>
    Effect.gen(function* () {
      yield* create("one")
      yield* Stream.runDrain(stream("two"))
      yield* Effect.exit(create("three"))
      const calls = yield* TestClaude.TestClaude.use((fake) => fake.calls)
      assert.deepStrictEqual(
        calls,
        ["one", "two", "three"].map((prompt) => fill(prompt, defaults))
      )
    }).pipe(Effect.provide(TestClaude.layer(["first", "second"])))
  )

  it.effect("begins anew with every layer that is built", () =>
    Effect.gen(function* () {
      const layer = TestClaude.layer(["first"])
      const asked = Effect.all([say("Hi"), TestClaude.TestClaude.use((fake) => fake.calls)])
      for (const _ of [1, 2]) {
        const [answer, calls] = yield* Effect.provide(asked, layer)
        assert.deepStrictEqual([answer, calls.length], ["first", 1])
      }
    })
  )

  it.effect("tells of its calls as the API does", () =>
    Effect.gen(function* () {
      const tags: Array<string> = []
      yield* Effect.all([create("Hi"), Stream.runDrain(stream("Hi"))]).pipe(
        CallEvent.listen((event) => Effect.sync(() => tags.push(event._tag)))
      )
      assert.deepStrictEqual(tags, ["call-sent", "call-finished", "call-sent", "call-first-token", "call-finished"])
    }).pipe(Effect.provide(TestClaude.layer("Hello.")))
  )

  it.effect("counts about four characters a token", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Claude.use((claude) => claude.countTokens(fill("12345678", defaults))), 2)
      assert.deepInclude((yield* create("12345678")).message.usage, { input_tokens: 2, output_tokens: 1 })
    }).pipe(Effect.provide(TestClaude.layer("1234")))
  )
})

// Builders

const defaults = { model: "claude-sonnet-5-5", max_tokens: 4096 }
const gone = new NotFound({ detail: "gone" })
const overloaded = new Overloaded({ detail: "later" })
const text = (of: string) => ({ type: "text" as const, text: of })

const create = (prompt: Prompt) => Claude.use((claude) => claude.create(fill(prompt, defaults)))
const stream = (prompt: Prompt) => Stream.unwrap(Claude.useSync((claude) => claude.stream(fill(prompt, defaults))))
const say = (prompt: Prompt) => Effect.map(create(prompt), ({ message }) => Reply.text(message))
