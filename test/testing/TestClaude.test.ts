import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import { generateObject } from "../../src/call/object.ts"
import { generateText } from "../../src/call/text.ts"
import { generateWithTools } from "../../src/call/tools.ts"
import * as Event from "../../src/claude/Event.ts"
import { Claude } from "../../src/claude/Claude.ts"
import { NotFound, Overloaded } from "../../src/claude/ClaudeError.ts"
import * as Reply from "../../src/claude/Reply.ts"
import { fill, type Prompt } from "../../src/claude/Request.ts"
import * as StreamEvent from "../../src/claude/StreamEvent.ts"
import * as Batch from "../../src/pipeline/Batch.ts"
import * as Retry from "../../src/policy/Retry.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"

describe("a reply", () => {
  it.effect("may be one text for all calls", () =>
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

  it.effect("may be a whole message", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* create("Hi")).message, whole)
    }).pipe(Effect.provide(TestClaude.layer(whole)))
  )

  it.effect("may be blocks of content, with strings as text blocks", () =>
    Effect.gen(function* () {
      const { message } = yield* create("Hi")
      assert.deepStrictEqual(message.content, [thinking, { type: "text", text: "Hello.", citations: null }])
      assert.deepStrictEqual((yield* create("Hi")).message.content, [thinking])
    }).pipe(Effect.provide(TestClaude.layer([{ content: [thinking, "Hello."] }, thinking])))
  )

  it.effect("may be the reason of a failure", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* Effect.flip(create("Hi"))).reason, missing)
    }).pipe(Effect.provide(TestClaude.layer(missing)))
  )

  it.effect("may be an effect with a delay", () =>
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(say("Hi"))
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(running.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(running), "Hello.")
    }).pipe(Effect.provide(TestClaude.layer(Effect.delay(Effect.succeed("Hello."), "1 minute"))))
  )

  it.effect("may be a list, with one reply per call", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* say("Hi"), "first")
      assert.strictEqual((yield* Effect.flip(create("Hi"))).reason, missing)
      assert.strictEqual(yield* say("Hi"), "third")
    }).pipe(Effect.provide(TestClaude.layer(["first", missing, "third"])))
  )

  it.effect("may be a function of the request that returns an answer or an effect", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* say("Hi"), "You said: Hi")
      assert.strictEqual((yield* Effect.flip(create("fail"))).reason, overloaded)
    }).pipe(
      Effect.provide(
        TestClaude.layer(
          TestClaude.when(/^fail$/, () => Effect.fail(overloaded)),
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

describe("a stream as a reply", () => {
  it.effect("delivers its pieces with their delays", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const note = (event: StreamEvent.StreamEvent) => Effect.sync(() => seen.push(StreamEvent.text(event)))
      const running = yield* Effect.forkChild(Stream.runForEach(stream("Hi"), note))
      for (const text of ["", "One", "One two", "One two three."]) {
        assert.strictEqual(seen.join(""), text)
        yield* TestClock.adjust("1 second")
      }
      yield* Fiber.join(running)
    }).pipe(Effect.provide(TestClaude.layer(slowly(pieces))))
  )

  it.effect("has the events of a message around its pieces", () =>
    Effect.gen(function* () {
      const [, ...events] = yield* Stream.runCollect(stream("Hi"))
      const { message } = yield* create("Hi")
      assert.deepStrictEqual(events, StreamEvent.fromMessage({ ...message, id: "msg_test_1" }))
    }).pipe(Effect.provide(TestClaude.layer(Stream.fromIterable(pieces))))
  )

  it.effect("gives create the whole message when it ends", () =>
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(create("12345678"))
      yield* TestClock.adjust("2 seconds")
      assert.isUndefined(running.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const { message } = yield* Fiber.join(running)
      assert.deepStrictEqual(
        message,
        TestClaude.message({ id: "msg_test_1", content: ["One two three."], usage: { input_tokens: 2 } })
      )
    }).pipe(Effect.provide(TestClaude.layer(slowly(pieces))))
  )

  it.effect("may fail in the middle, after its first pieces", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const note = (event: StreamEvent.StreamEvent) => Effect.sync(() => seen.push(StreamEvent.text(event)))
      const error = yield* Effect.flip(Stream.runForEach(stream("Hi"), note))
      assert.deepStrictEqual([seen.join(""), error.reason], ["One two ", overloaded])
      assert.strictEqual((yield* Effect.flip(create("Hi"))).reason, overloaded)
    }).pipe(Effect.provide(TestClaude.layer(Stream.concat(Stream.make("One ", "two "), Stream.fail(overloaded)))))
  )

  it.effect("may hold events of the API, which pass unchanged", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* Stream.runCollect(stream("Hi"))).slice(1), StreamEvent.fromMessage(whole))
      assert.deepStrictEqual((yield* create("Hi")).message, whole)
    }).pipe(Effect.provide(TestClaude.layer(Stream.fromIterable(StreamEvent.fromMessage(whole)))))
  )

  it.effect("fails with StreamInterrupted if its events end without message_stop", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Stream.runDrain(stream("Hi")))
      assert.strictEqual(error.reason._tag, "StreamInterrupted")
      assert.strictEqual((yield* Effect.flip(create("Hi"))).reason._tag, "StreamInterrupted")
    }).pipe(Effect.provide(TestClaude.layer(Stream.fromIterable(StreamEvent.fromMessage(whole).slice(0, 3)))))
  )
})

describe("when", () => {
  it.effect("answers a matching prompt or request; the first match wins", () =>
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

  it.effect("gives concurrent calls separate replies or separate lists", () =>
    Effect.gen(function* () {
      const twice = (prompt: string) => Effect.all([say(prompt), say(prompt)])
      assert.deepStrictEqual(yield* Effect.forEach(["date", "place"], twice, { concurrency: 2 }), [
        ["1842", "1843"],
        ["Bath", "Bath"]
      ])
    }).pipe(
      Effect.provide(TestClaude.layer(TestClaude.when(/date/, ["1842", "1843"]), TestClaude.when(/place/, "Bath")))
    )
  )

  it.effect("matches a pattern with the flag g every time", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual([yield* say("date"), yield* say("date"), yield* say("date")], ["1842", "1842", "1842"])
    }).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/date/g, "1842"))))
  )

  it.effect("matches the system prompt, the blocks of messages and the results of tools", () =>
    Effect.gen(function* () {
      const content = [{ type: "tool_result" as const, tool_use_id: "t1", content: [text("sunny")] }, text("Umbrella?")]
      const prompt: Prompt = { system: [text("Be brief.")], messages: [{ role: "user", content }] }
      assert.strictEqual(TestClaude.promptText(fill(prompt, defaults)), "Be brief.\nsunny\nUmbrella?")
      assert.strictEqual(yield* say(prompt), "No.")
    }).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/sunny/, "No."))))
  )
})

describe("the test fails and lists the calls", () => {
  it.effect("when no reply applies", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* mistake(say("What else?\nTell me."), TestClaude.when(/date/, "1842")),
        `TestClaude: call 1 has no reply: no reply given to TestClaude.layer matches it.
Add a matching TestClaude.when(/pattern/, reply), or a default reply at the end.
Calls:
  1. claude-sonnet-5-5 "What else?"`
      )
    })
  )

  it.effect("when a list is used up", () =>
    Effect.gen(function* () {
      const long = { system: "Be brief.", messages: [{ role: "user" as const, content: "tell ".repeat(20) }] }
      assert.strictEqual(
        yield* mistake(Effect.all([say("one"), say(long)]), TestClaude.when(/one/, "first"), []),
        `TestClaude: call 2 has no reply: all 0 replies of its list are used.
Add a reply to the list, find out why the program makes another call, or give one reply for all calls.
Calls:
  1. claude-sonnet-5-5 "one"
  2. claude-sonnet-5-5 "tell tell tell tell tell tell tell tell tell tell tell tell…"`
      )
    })
  )

  it.effect("when replies are unused, whether the program succeeds or fails", () =>
    Effect.gen(function* () {
      const left: ReadonlyArray<TestClaude.Given> = ["1842", missing, Stream.empty, Effect.never, { content: [] }]
      assert.strictEqual(
        yield* mistake(say("one"), ["first", ...left]),
        `TestClaude: 5 replies were not used: "1842", NotFound, a stream, an effect, "{\\"content\\":[]}".
Remove unused replies from the list, or find out why the program made fewer calls.
Calls:
  1. claude-sonnet-5-5 "one"`
      )
      assert.match(yield* mistake(Effect.void, ["first"]), /1 reply was not used: "first"\.\n[^]*Calls:\n {2}none$/)
      assert.match(yield* mistake(say("one"), [missing, "second"]), /1 reply was not used: "second"/)
    })
  )

  it.effect("up to the last twenty", () =>
    Effect.gen(function* () {
      const asked = Effect.forEach(Array.from({ length: 22 }), (_, index) => say(`prompt ${index + 1}`))
      const lines = (yield* mistake(asked, TestClaude.when(/prompt/, "Hello."), ["left"])).split("\n").slice(3)
      assert.deepStrictEqual(lines.slice(0, 2), ["  … 2 more", `  3. claude-sonnet-5-5 "prompt 3"`])
      assert.strictEqual(lines.length, 21)
    })
  )

  it.effect("when concurrent calls share a list", () =>
    Effect.gen(function* () {
      const asked = Batch.map(["one", "two", "three"], say, { concurrency: 2 })
      assert.strictEqual(
        yield* mistake(asked, ["first", "second", "third"]),
        `TestClaude: call 2 started while call 1 was in flight, and both take their reply from one list.
The order of concurrent calls varies, so a list would mix up their replies.
Choose replies by request: use TestClaude.when(/pattern/, reply) or a function of the request.
Calls:
  1. claude-sonnet-5-5 "one"
  2. claude-sonnet-5-5 "two"`
      )
      const nested = Stream.runDrain(Stream.mapEffect(stream("one"), () => say("two")))
      assert.match(yield* mistake(nested, ["first", "second"]), /call 2 started while call 1 was in flight/)
    })
  )

  it.effect("even if the program catches the defect", () =>
    Effect.gen(function* () {
      const swallowing = Effect.exit(say("one"))
      assert.match(yield* mistake(swallowing), /call 1 has no reply/)
      assert.match(yield* mistake(Effect.andThen(swallowing, Effect.die("later"))), /call 1 has no reply/)
      assert.match(yield* mistake(Effect.andThen(swallowing, Effect.never).pipe(Effect.timeout(0))), /call 1 has/)
    })
  )

  it.effect("once: no policy retries a mistake of the test, and a batch returns no result for it", () =>
    Effect.gen(function* () {
      const layer = TestClaude.layer().pipe(Retry.policy(Schedule.recurs(3)))
      const asked = Effect.all([Effect.exit(Batch.map(["one"], generateText)), TestClaude.calls])
      const exit = yield* Effect.exit(
        Effect.gen(function* () {
          const [batch, calls] = yield* asked
          assert.strictEqual(calls.length, 1)
          return yield* batch
        }).pipe(Effect.provide(layer))
      )
      assert.strictEqual(Exit.isFailure(exit) && exit.cause.reasons.length, 1)
    })
  )
})

describe("a list", () => {
  it.effect("answers consecutive calls across streams, failures, interruptions and fibers", () =>
    Effect.gen(function* () {
      yield* Stream.runDrain(Stream.take(stream("one"), 2))
      yield* Effect.flip(say("two"))
      const running = yield* Effect.forkChild(say("three"))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(running)
      assert.strictEqual(yield* Effect.timeout(say("four"), "1 second"), "fourth")
      assert.strictEqual(yield* Effect.timeout(say("five"), "1 second"), "fifth")
    }).pipe(Effect.provide(TestClaude.layer(["first", missing, Effect.never, "fourth", "fifth"])))
  )

  it.effect("with unused replies does not hide why a program died or was interrupted", () =>
    Effect.gen(function* () {
      const layer = TestClaude.layer(["first"])
      const died = yield* Effect.exit(Effect.provide(Effect.die("boom"), layer))
      assert.deepStrictEqual(died, Exit.die("boom"))
      const interrupted = yield* Effect.exit(Effect.provide(Effect.interrupt, layer))
      assert.isTrue(Exit.isFailure(interrupted) && Cause.hasInterruptsOnly(interrupted.cause))
    })
  )

  it.effect("answers before TestClock continues", () =>
    Effect.gen(function* () {
      const patient = Effect.all([say("one"), say("two"), Effect.sleep("1 minute"), say("three")])
      const running = yield* Effect.forkChild(patient)
      yield* TestClock.adjust("1 minute")
      assert.isDefined(running.pollUnsafe())
    }).pipe(Effect.provide(TestClaude.layer(["first", "second", "third"])))
  )

  it.effect("starts from its beginning in every layer that is built", () =>
    Effect.gen(function* () {
      const layer = TestClaude.layer(["first"])
      const asked = Effect.all([say("Hi"), TestClaude.calls])
      for (const _ of [1, 2]) {
        const [answer, calls] = yield* Effect.provide(asked, layer)
        assert.deepStrictEqual([answer, calls.length], ["first", 1])
      }
    })
  )
})

describe("TestClaude", () => {
  it.effect("records every request and the text of every prompt, in order of arrival", () =>
    Effect.gen(function* () {
      yield* create("one")
      yield* Stream.runDrain(stream("two"))
      assert.deepStrictEqual(yield* TestClaude.calls, [fill("one", defaults), fill("two", defaults)])
      assert.deepStrictEqual(yield* TestClaude.prompts, ["one", "two"])
    }).pipe(Effect.provide(TestClaude.layer(["first", "second"])))
  )

  it.effect("emits the events of its calls as the API does", () =>
    Effect.gen(function* () {
      const tags: Array<string> = []
      yield* Effect.all([create("Hi"), Stream.runDrain(stream("Hi"))]).pipe(
        Event.listen((event) => Effect.sync(() => tags.push(event._tag)))
      )
      assert.deepStrictEqual(tags, ["call-sent", "call-finished", "call-sent", "call-first-token", "call-finished"])
    }).pipe(Effect.provide(TestClaude.layer("Hello.")))
  )

  it.effect("counts about four characters per token, in countTokens and in usage", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Claude.use((claude) => claude.countTokens(fill("12345678", defaults))), 2)
      assert.deepInclude((yield* create("12345678")).message.usage, { input_tokens: 2, output_tokens: 1 })
    }).pipe(Effect.provide(TestClaude.layer("1234")))
  )
})

describe("message", () => {
  it("is whole, with the given fields", () => {
    const usage = { output_tokens: 7 }
    assert.deepInclude(TestClaude.message("Hello."), { type: "message", role: "assistant", stop_reason: "end_turn" })
    assert.strictEqual(Reply.text(TestClaude.message({ content: ["Hello, ", "you."] })), "Hello, you.")
    assert.deepInclude(TestClaude.message({ usage }).usage, { input_tokens: 0, output_tokens: 7 })
    assert.isTrue(Reply.isMessage(TestClaude.message({})))
  })
})

describe("a reply from a schema", () => {
  it.effect("decodes to the value that it was built from", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* generateObject(Letter, "Read this letter.")).value, letter)
    }).pipe(Effect.provide(TestClaude.layer(TestClaude.object(Letter, letter))))
  )

  it("accepts only values of the schema", () => {
    // @ts-expect-error: a letter has a place
    assert.throws(() => TestClaude.object(Letter, { pages: ["one", 1], date: new Date(0) }), /place/)
    assert.throws(() => TestClaude.object(Letter, { ...letter, place: "" }), /length of at least 1/)
  })

  it.effect("may call tools, with the text around them", () =>
    Effect.gen(function* () {
      const { message } = yield* create("Where?")
      assert.strictEqual(message.stop_reason, "tool_use")
      assert.deepStrictEqual(message.content.slice(1), [
        { type: "tool_use", id: "toolu_test_1_2", name: "find", input: { city: "Bath" }, caller: { type: "direct" } },
        { type: "tool_use", id: "toolu_test_1_3", name: "find", input: { city: "Oslo" }, caller: { type: "direct" } }
      ])
      const events = yield* Stream.runCollect(stream("Where?"))
      const accumulator = StreamEvent.accumulator()
      events.forEach(accumulator.add)
      assert.deepStrictEqual(accumulator.message()?.content, [{ ...find("Bath"), id: "toolu_test_2_1" }])
    }).pipe(Effect.provide(TestClaude.layer([{ content: ["Let me see.", find("Bath"), find("Oslo")] }, find("Bath")])))
  )
})

describe("a call of a tool of effect/ai", () => {
  it.effect("has the name and the arguments with which Claude calls it, and the handler gets the value", () =>
    Effect.gen(function* () {
      const found: Array<unknown> = []
      const handlers = tools.toLayer({
        "orders.find": (input) => Effect.sync(() => found.push(input)).pipe(Effect.as("red lamp")),
        now: () => Effect.succeed("noon")
      })
      const { text } = yield* generateWithTools(tools, "Where is it?").pipe(Effect.provide(handlers))
      assert.strictEqual(text, "Done.")
      assert.deepStrictEqual(found, [search])
    }).pipe(
      Effect.provide(
        TestClaude.layer([{ content: [TestClaude.toolCall(Find, search), TestClaude.toolCall(Now, {})] }, "Done."])
      )
    )
  )

  it("takes only parameters of the tool", () => {
    // @ts-expect-error: the order is a text
    assert.throws(() => TestClaude.toolCall(Find, { ...search, order: 1 }), /order/)
    assert.throws(() => TestClaude.toolCall(Find, { ...search, order: "" }), /length of at least 1/)
  })
})

describe("arbitrary", () => {
  it.effect("answers equal requests with equal values, and other requests with other values of the schema", () =>
    Effect.gen(function* () {
      const read = Effect.forEach(["one", "two", "one"], (prompt) => generateObject(Letter, prompt))
      const seeded = (seed?: number) =>
        Effect.map(Effect.provide(read, TestClaude.layer(TestClaude.arbitrary(Letter, seed))), (replies) =>
          replies.map(({ value }) => value)
        )
      const [one, two, again] = yield* seeded()
      assert.deepStrictEqual(again, one)
      assert.notDeepEqual(two, one)
      assert.deepStrictEqual(yield* seeded(), [one, two, again])
      assert.notDeepEqual((yield* seeded(1))[0], one)
    })
  )

  it.effect.prop("tests a pipeline of many calls as a property of the seed", [Schema.Int], ([seed]) =>
    Effect.gen(function* () {
      const results = yield* Batch.map(["a", "b", "c"], (page) => generateObject(Letter, page))
      const pages = results.filter(Result.isSuccess).map(({ success }) => success.value.pages[0])
      assert.strictEqual(pages.length, 3)
    }).pipe(Effect.provide(TestClaude.layer(TestClaude.arbitrary(Letter, seed))))
  )
})

// Builders

const defaults = { model: "claude-sonnet-5-5", max_tokens: 4096 }
const missing = new NotFound({ detail: "missing" })
const overloaded = new Overloaded({ detail: "later" })
const thinking = { type: "thinking" as const, thinking: "Hm.", signature: "c2ln" }
const whole = TestClaude.message({ id: "msg_1", content: ["One two three."], usage: { input_tokens: 9 } })
const text = (of: string) => ({ type: "text" as const, text: of })

const pieces = ["One", " two", " three."]
const slowly = (pieces: ReadonlyArray<string>) =>
  Stream.mapEffect(Stream.fromIterable(pieces), (piece) => Effect.delay(Effect.succeed(piece), "1 second"))

const Letter = Schema.Struct({
  place: Schema.NonEmptyString,
  date: Schema.DateFromString,
  pages: Schema.Tuple([Schema.String, Schema.Int]),
  author: Schema.optionalKey(Schema.String)
})
const letter: typeof Letter.Type = { place: "Bath", date: new Date(0), pages: ["one", 1] }
const find = (city: string) => TestClaude.toolCall("find", Schema.Struct({ city: Schema.String }), { city })

const Find = Tool.make("orders.find", {
  parameters: Schema.Struct({
    order: Schema.NonEmptyString,
    since: Schema.DateFromString,
    pair: Schema.Tuple([Schema.String, Schema.Int]),
    amounts: Schema.Record(Schema.String, Schema.Int)
  }),
  success: Schema.String
})
const Now = Tool.make("now", { success: Schema.String })
const tools = Toolkit.make(Find, Now)
const search: typeof Find.parametersSchema.Type = {
  order: "4711",
  since: new Date(0),
  pair: ["lamp", 1],
  amounts: { lamp: 2 }
}

const create = (prompt: Prompt) => Claude.use((claude) => claude.create(fill(prompt, defaults)))
const stream = (prompt: Prompt) => Stream.unwrap(Claude.useSync((claude) => claude.stream(fill(prompt, defaults))))
const say = (prompt: Prompt) => Effect.map(create(prompt), ({ message }) => Reply.text(message))

/** The message of the defect when a test runs this program with these replies. */
const mistake = <A, E>(
  program: Effect.Effect<A, E, Claude | TestClaude.TestClaude>,
  ...replies: ReadonlyArray<TestClaude.Reply | TestClaude.Rule>
) =>
  Effect.map(Effect.exit(Effect.provide(program, TestClaude.layer(...replies))), (exit) => {
    const reasons = Exit.isFailure(exit) ? exit.cause.reasons.filter(Cause.isDieReason) : []
    return reasons.flatMap(({ defect }) => (defect instanceof Error ? [defect.message] : [])).join("\n\n")
  })
