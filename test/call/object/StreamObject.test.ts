import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import {
  type DeepPartial,
  generateObject,
  type ObjectEvent,
  type ObjectReply,
  streamElements,
  streamObject
} from "../../../src/call/object.ts"
import { Claude } from "../../../src/claude/Claude.ts"
import { type ClaudeError, Overloaded } from "../../../src/claude/ClaudeError.ts"
import * as Event from "../../../src/claude/Event.ts"
import type { Message } from "../../../src/claude/Reply.ts"
import type { StreamEvent } from "../../../src/claude/StreamEvent.ts"
import * as ResponseCache from "../../../src/policy/ResponseCache.ts"
import * as TestClaude from "../../../src/testing/TestClaude.ts"
import { message, Tree } from "../../fixtures.ts"
import { damages, Ticket } from "./Damage.ts"

const Letter = Schema.Struct({ author: Schema.String, year: Schema.Int })
const letter = `{"author":"Ada Lovelace","year":1842}`

describe("streamObject", () => {
  it.effect("emits growing partial values, then the decoded value with the reply of generateObject", () =>
    Effect.gen(function* () {
      const events = yield* Stream.runCollect(streamObject(Letter, "Whose letter?"))
      assert.deepStrictEqual(partials(events), [{ author: "Ada" }, { author: "Ada Lovelace", year: 1842 }])
      const whole = yield* generateObject(Letter, "Whose letter?")
      assert.deepStrictEqual(done(events), { _tag: "finished", ...whole, requestId: "req_test_1" })
      const [streamed, asked] = yield* TestClaude.calls
      assert.deepStrictEqual(streamed, asked)
    }).pipe(Effect.provide(TestClaude.layer(message(letter))))
  )

  it.effect("decodes the whole, and shows the encoded side until then", () =>
    Effect.gen(function* () {
      const Born = Schema.Struct({ name: Schema.String, on: Schema.DateFromString })
      const text = `{"name": "Ada", "on": "1815-12-10T00:00:00Z"}`
      const events = yield* stream(Born, pieces(text, 8))
      assert.deepStrictEqual(partials(events), [{}, { name: "Ada" }, { name: "Ada", on: "1815-12-10T00:00:00Z" }])
      assert.deepStrictEqual(done(events)?.value.on, new Date("1815-12-10"))
    })
  )

  it.effect.each<[string, string]>([
    ["in a fence", "Here it is:\n```json\n" + letter + "\n```\n"],
    ["after prose with brackets", `As in [1] and [2]: ${letter}`],
    ["before prose", `${letter} I hope this helps.`]
  ])("shows the JSON as it arrives and repairs the whole: %s", ([, text]) =>
    Effect.gen(function* () {
      const repaired: Array<string> = []
      const events = yield* stream(Letter, pieces(text, 3)).pipe(
        Event.listen(({ _tag }) => Effect.sync(() => _tag === "output-repaired" && repaired.push(_tag)))
      )
      assert.isAbove(partials(events).length, 5)
      assert.deepStrictEqual(partials(events).at(-1), JSON.parse(letter))
      assert.deepStrictEqual(done(events)?.value, JSON.parse(letter))
      assert.lengthOf(repaired, 1)
    })
  )

  it.effect("emits at most eight partial values for text that arrives together, so that a slow consumer keeps up", () =>
    Effect.gen(function* () {
      const text = JSON.stringify({ author: "A".repeat(1000), year: 1 })
      for (const size of [1, 20]) {
        const all = Stream.fromIterable([...start, ...block(0, pieces(text, size)), ...stop("end_turn")])
        const events = yield* Stream.runCollect(streamObject(Letter, "Go.")).pipe(Effect.provide(layerOf(all)))
        assert.lengthOf(partials(events), 8)
        assert.deepStrictEqual(partials(events).at(-1), JSON.parse(text))
      }
    })
  )

  it.effect("repairs what the parser cannot read, so that the value follows without partial values", () =>
    Effect.gen(function* () {
      const events = yield* stream(Letter, pieces(`{'author': 'Ada', 'year': 1842}`, 4))
      assert.isEmpty(partials(events))
      assert.deepStrictEqual(done(events)?.value, { author: "Ada", year: 1842 })
    })
  )

  it.effect("does not take text before a server tool for a part of the value", () =>
    Effect.gen(function* () {
      const tool = { type: "server_tool_use" as const, id: "srvtoolu_1", name: "web_search" as const, input: {} }
      const events = yield* Stream.runCollect(streamObject(Letter, "Go.")).pipe(
        Effect.provide(
          claude([
            ...block(0, [`{"author":"no`]),
            { type: "content_block_start", index: 1, content_block: { ...tool, caller: { type: "direct" } } },
            { type: "content_block_stop", index: 1 },
            ...block(2, [letter])
          ])
        )
      )
      assert.deepStrictEqual(partials(events), [{ author: "no" }, JSON.parse(letter)])
      assert.deepStrictEqual(done(events)?.value, JSON.parse(letter))
    })
  )
})

describe("a streamed object shows", () => {
  it.effect("no text before a server tool, although both arrive together", () =>
    Effect.gen(function* () {
      const content_block = {
        type: "server_tool_use",
        id: "srvtoolu_1",
        name: "web_search",
        input: {},
        caller: { type: "direct" }
      } as const
      const events = [
        ...start,
        ...block(0, [`{"author":"no`]),
        { type: "content_block_start" as const, index: 1, content_block },
        { type: "content_block_stop" as const, index: 1 },
        ...block(2, [letter]),
        ...stop("end_turn")
      ]
      const shown = yield* Stream.runCollect(streamObject(Letter, "Go.")).pipe(
        Effect.provide(layerOf(Stream.fromIterable(events)))
      )
      assert.deepStrictEqual(partials(shown), [JSON.parse(letter)])
    })
  )

  it.effect("nothing after a repeated key", () =>
    Effect.gen(function* () {
      const text = [`{"author":"Ada",`, `"year":1842,`, `"author":"Ada","other":"o`, `ne","more":2}`]
      const events = yield* stream(Letter, text)
      assert.deepStrictEqual(partials(events), [{ author: "Ada" }, { author: "Ada", year: 1842 }])
      assert.deepStrictEqual(done(events)?.value, { author: "Ada", year: 1842 })
    })
  )

  it.effect("no half of a character, however its escape is cut", () =>
    Effect.gen(function* () {
      const Text = Schema.Struct({ a: Schema.String })
      const escape = String.raw`{"a":"x\ud83d\ude00"}`
      for (let size = 1; size < escape.length; size++) {
        for (const one of partials(yield* stream(Text, pieces(escape, size)))) {
          assert.include([undefined, "", "x", "x😀"], Object(one).a)
        }
      }
    })
  )
})

describe("a streamed object fails after its last partial value", () => {
  it.effect.each<[string, ReadonlyArray<string>, Message["stop_reason"], string]>([
    ["with OutputInvalid if it does not decode", [`{"author":"Ada",`, `"year":"x"}`], "end_turn", "OutputInvalid"],
    ["with OutputInvalid if it is two values", [letter, letter], "end_turn", "OutputInvalid"],
    ["with OutputTruncated if it was cut off", [`{"author":"A`, `da`], "max_tokens", "OutputTruncated"],
    ["with Refused if Claude declines", [`{"author":"A`, `da`], "refusal", "Refused"]
  ])("%s", ([, text, stop, tag]) =>
    Effect.gen(function* () {
      const shown: Array<unknown> = []
      const { reason } = yield* streamObject(Letter, "Go.").pipe(
        Stream.runForEach((event) => Effect.sync(() => shown.push(event._tag))),
        Effect.flip,
        Effect.provide(claude(block(0, text), stop))
      )
      assert.strictEqual(reason._tag, tag)
      assert.deepInclude({ ...reason }, { text: text.join("") })
      assert.deepInclude(reason.usage, { output: 20 })
      assert.isNotEmpty(shown)
      assert.notInclude(shown, "finished")
    })
  )

  it.effect("and is not asked for again", () =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(Stream.runDrain(streamObject(Letter, "Go.")))
      assert.include(reason.message, `Missing key at ["year"] (stop reason: end_turn)`)
      assert.lengthOf(yield* TestClaude.calls, 1)
    }).pipe(Effect.provide(TestClaude.layer(`{"author":"Ada"}`)))
  )

  it.effect("if its repair would contradict what was shown", () =>
    Effect.gen(function* () {
      const text = ['{"author":"Ada","year":1}\n', '```\n{"author":"Bob","year":2}\n```\n']
      assert.strictEqual((yield* ask(text)).value.author, "Bob")
      const { reason } = yield* Effect.flip(stream(Letter, text))
      assert.strictEqual(reason._tag, "OutputInvalid")
      assert.include(reason.message, "the whole value differs from the partial values")
    })
  )

  it.effect("if a repeated key contradicts what was shown", () =>
    Effect.gen(function* () {
      const twice = `{"author":"Ada","year":1842,"author":"Charles"}`
      const { reason } = yield* Effect.flip(stream(Letter, pieces(twice, 5)))
      assert.include(reason.message, "the whole value differs from the partial values")
      const same = yield* stream(Letter, pieces(letter.replace("}", `,"year":1842}`), 5))
      assert.deepStrictEqual(done(same)?.value, JSON.parse(letter))
    })
  )

  it.effect("if it is nested too deep, however it is sent", () =>
    Effect.gen(function* () {
      const deep = `{"name":"a","branches":[`.repeat(20_000) + "]}".repeat(20_000)
      for (const text of [deep, JSON.stringify({ name: "a", branches: [deep] }), deep.slice(0, -3)]) {
        const streamed = yield* Effect.flip(stream(Tree, pieces(text, 9999)))
        assert.strictEqual(streamed.reason._tag, "OutputInvalid")
        assert.strictEqual((yield* Effect.flip(ask([text], Tree))).reason._tag, "OutputInvalid")
      }
    })
  )

  it.effect("with the error of the call", () =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(Stream.runDrain(streamObject(Letter, "Go.")))
      assert.strictEqual(reason._tag, "Overloaded")
    }).pipe(Effect.provide(TestClaude.layer(new Overloaded({ detail: "later" }))))
  )

  it.effect("with Unsupported, before a call, if the schema cannot be sent", () =>
    Effect.gen(function* () {
      const never = streamObject(Schema.Struct({ a: Schema.Never }), "Go.")
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(never))).reason._tag, "Unsupported")
      assert.isEmpty(yield* TestClaude.calls)
    }).pipe(Effect.provide(TestClaude.layer()))
  )

  it.effect("and leaves the response cache", () =>
    Effect.gen(function* () {
      const ask = Effect.result(Stream.runCollect(streamObject(Letter, "Go.")))
      assert.isTrue(Result.isFailure(yield* ask))
      assert.isTrue(Result.isSuccess(yield* ask))
    }).pipe(
      Effect.provide(
        TestClaude.layer([`{"author":"Ada"}`, letter]).pipe(
          ResponseCache.policy({ timeToLive: "1 day" }),
          Layer.provide(ResponseCache.layerMemory({ capacity: 10 }))
        )
      )
    )
  )
})

it.effect("a streamed object stops the call when its consumer stops", () =>
  Effect.gen(function* () {
    let stopped = false
    const endless = Stream.concat(
      Stream.fromIterable(start),
      Stream.concat(Stream.fromIterable(block(0, [`{"author":"A`]).slice(0, 2)), Stream.never)
    ).pipe(Stream.ensuring(Effect.sync(() => void (stopped = true))))
    const [first] = yield* Stream.runCollect(Stream.take(streamObject(Letter, "Go."), 1)).pipe(
      Effect.provide(layerOf(endless))
    )
    assert.deepStrictEqual(first, { _tag: "partial", value: { author: "A" } })
    assert.isTrue(stopped)
  })
)

describe("the value of a streamed object is the value of generateObject for the same text, or both fail", () => {
  it.effect.each(damages)("$name", ({ damage, name }) =>
    Effect.gen(function* () {
      const tickets = yield* Arbitrary.sampleEffect(Arbitrary.schema(Ticket), { count: 20, seed: name })
      for (const [index, ticket] of tickets.entries()) {
        const text = pieces(damage(ticket, index), 1 + (index % 7))
        const whole = yield* Effect.result(ask(text, Ticket))
        const streamed = yield* Effect.result(stream(Ticket, text))
        const value = Result.map(streamed, (events) => done(events)?.value)
        assert.deepStrictEqual(
          Result.getOrElse(value, ({ reason }) => reason._tag),
          Result.getOrElse(
            Result.map(whole, ({ value }) => value),
            ({ reason }) => reason._tag
          )
        )
      }
    })
  )
})

describe("streamElements", () => {
  const lines = `{"value":[{"author":"Ada","year":1842},{"author":"Bob","year":1843}]}`

  it.effect("emits each decoded element when it is complete, and the whole list at the end", () =>
    Effect.gen(function* () {
      const log: Array<unknown> = []
      const elements = streamElements(Letter, "Go.", {
        onFinish: ({ usage, value }) => Effect.sync(() => log.push({ usage, value }))
      })
      const arrivals = Stream.concat(
        Stream.fromIterable([...start, ...block(0, [lines.slice(0, 40)]).slice(0, 2)]),
        Stream.concat(
          Stream.drain(Stream.fromEffect(Effect.sync(() => log.push("the rest arrives")))),
          Stream.fromIterable([...block(0, [lines.slice(40)]).slice(1), ...stop("end_turn")])
        )
      )
      yield* Stream.runForEach(elements, (element) => Effect.sync(() => log.push(element))).pipe(
        Effect.provide(layerOf(arrivals))
      )
      const [ada, bob] = JSON.parse(lines).value
      assert.deepStrictEqual(log.slice(0, 3), [ada, "the rest arrives", bob])
      assert.deepInclude(Object(log[3]), { value: [ada, bob] })
    })
  )

  it.effect("fails if a repeated key replaces elements that were emitted", () =>
    Effect.gen(function* () {
      const { reason } = yield* streamElements(Schema.Int, "Go.").pipe(
        Stream.runDrain,
        Effect.flip,
        Effect.provide(claude(block(0, pieces(`{"value":[1,2],"value":[3]}`, 4))))
      )
      assert.include(reason.message, "the whole value differs from the partial values")
    })
  )

  it.effect("asks for a list in an object", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Stream.runCollect(streamElements(Schema.Int, "Go.")), [1, 2])
      const [sent] = yield* TestClaude.calls
      assert.deepInclude(sent?.output_config?.format, {
        schema: {
          type: "object",
          properties: { value: { type: "array", items: { type: "integer" } } },
          required: ["value"],
          additionalProperties: false
        }
      })
    }).pipe(Effect.provide(TestClaude.layer(`{"value":[1,2]}`)))
  )

  it.effect("fails at the first invalid element, with its index and with the elements before it emitted", () =>
    Effect.gen(function* () {
      const emitted: Array<unknown> = []
      const { reason } = yield* streamElements(Letter, "Go.").pipe(
        Stream.runForEach((element) => Effect.sync(() => emitted.push(element))),
        Effect.flip,
        Effect.provide(
          layerOf(
            Stream.concat(Stream.fromIterable([...start, ...block(0, [lines.replace("1843", '"x"')])]), Stream.never)
          )
        )
      )
      assert.strictEqual(reason._tag, "OutputInvalid")
      assert.include(reason.message, `Expected number at [1]["year"]`)
      assert.deepInclude(reason.usage, { input: 10 })
      assert.deepStrictEqual(emitted, [{ author: "Ada", year: 1842 }])
    })
  )

  it.effect.each<[string, string, ReadonlyArray<number> | undefined]>([
    ["a list", `{"value":[1,2,3]}`, [1, 2, 3]],
    ["an empty list", `{"value":[]}`, []],
    ["a list without its object", "[1,2,3]", [1, 2, 3]],
    ["a list in a fence", '```json\n{"value":[1,2,3]}\n```', [1, 2, 3]],
    ["a list whose key is repeated", `{"value":[1,2,3],"value":[1,2,3,4]}`, [1, 2, 3, 4]],
    ["a list that the parser cannot read to its end", `{"value":[1,2,3,]}`, [1, 2, 3]],
    ["an object without a list", `{"values":[1]}`, undefined],
    ["a list with another key beside it", `{"value":[1],"others":[2]}`, undefined],
    ["two lists", `{"value":[1]} {"value":[2]}`, undefined]
  ])("has the list of generateObject: %s", ([, text, list]) =>
    Effect.gen(function* () {
      for (const size of [1, 4, 100]) {
        const asked = yield* Effect.result(ask(pieces(text, size), Schema.Array(Schema.Int)))
        const streamed = yield* Stream.runCollect(streamElements(Schema.Int, "Go.")).pipe(
          Effect.provide(claude(block(0, pieces(text, size)))),
          Effect.result
        )
        assert.deepStrictEqual(
          Result.getOrElse(streamed, () => undefined),
          list
        )
        assert.deepStrictEqual(
          Result.getOrElse(
            Result.map(asked, ({ value }) => value),
            () => undefined
          ),
          list
        )
      }
    })
  )
})

describe("the types", () => {
  it("of a partial value are the encoded side, with what may be cut", () => {
    const Kitchen = Schema.Struct({
      name: Schema.String,
      kind: Schema.Literals(["a", "b"]),
      id: Schema.TemplateLiteral(["id-", Schema.Int]),
      count: Schema.optionalKey(Schema.FiniteFromString),
      on: Schema.DateFromString,
      at: Schema.Date,
      maybe: Schema.OptionFromNullOr(Schema.Int),
      pair: Schema.Tuple([Schema.String, Schema.Int]),
      lines: Schema.Array(Schema.Struct({ price: Schema.Finite })),
      ages: Schema.Record(Schema.String, Schema.Int),
      any: Schema.Unknown
    })
    type Shown = DeepPartial<typeof Kitchen.Encoded>
    expectTypeOf<Shown>().toEqualTypeOf<{
      readonly name?: string
      readonly kind?: "a" | "b"
      readonly id?: string
      readonly count?: string
      readonly on?: string
      readonly at?: unknown
      readonly maybe?: number | null
      readonly pair?: readonly [string?, number?]
      readonly lines?: ReadonlyArray<{ readonly price?: number }>
      readonly ages?: { readonly [x: string]: number | undefined }
      readonly any?: unknown
    }>()
    expectTypeOf<DeepPartial<string>>().toEqualTypeOf<string>()
  })

  it("of the streams name the value, the error and the services", () => {
    const object = streamObject(Letter, "Go.")
    expectTypeOf(object).toEqualTypeOf<
      Stream.Stream<ObjectEvent<typeof Letter.Type, typeof Letter.Encoded>, ClaudeError, Claude>
    >()
    const elements = streamElements(Letter, "Go.", { onFinish: () => Effect.fail("full") })
    expectTypeOf(elements).toEqualTypeOf<Stream.Stream<typeof Letter.Type, ClaudeError | string, Claude>>()
  })
})

// Builders

const partials = <A, I>(events: ReadonlyArray<ObjectEvent<A, I>>) =>
  events.flatMap((event) => (event._tag === "partial" ? [event.value] : []))

const done = <A, I>(
  events: ReadonlyArray<ObjectEvent<A, I>>
): (ObjectReply<A> & { readonly _tag: "finished" }) | undefined =>
  events.flatMap((event) => (event._tag === "finished" ? [event] : []))[0]

const pieces = (text: string, size: number): ReadonlyArray<string> =>
  Array.from({ length: Math.ceil(text.length / size) }, (_, at) => text.slice(at * size, at * size + size))

const start: ReadonlyArray<StreamEvent> = [
  { type: "stream_start", requestId: "req_1", origin: "api", rateLimits: undefined },
  { type: "message_start", message: { ...message(""), content: [], stop_reason: null } }
]

const block = (index: number, texts: ReadonlyArray<string>): ReadonlyArray<StreamEvent> => [
  { type: "content_block_start", index, content_block: { type: "text", text: "", citations: null } },
  ...texts.map((text) => ({
    type: "content_block_delta" as const,
    index,
    delta: { type: "text_delta" as const, text }
  })),
  { type: "content_block_stop", index }
]

const stop = (stop_reason: Message["stop_reason"]): ReadonlyArray<StreamEvent> => [
  {
    type: "message_delta",
    delta: { stop_reason, stop_sequence: null, stop_details: null, container: null },
    usage: message("").usage
  },
  { type: "message_stop" }
]

/** A Claude that streams these events. */
const layerOf = (events: Stream.Stream<StreamEvent, ClaudeError>) =>
  Layer.succeed(Claude, {
    create: () => Effect.die("not asked"),
    stream: () => events,
    countTokens: () => Effect.die("not asked"),
    capacity: Effect.succeed(1)
  })

const claude = (blocks: ReadonlyArray<StreamEvent>, stop_reason: Message["stop_reason"] = "end_turn") =>
  layerOf(Stream.fromIterable([...start, ...blocks, ...stop(stop_reason)], { chunkSize: 1 }))

const stream = <A, I>(schema: Schema.Codec<A, I>, texts: ReadonlyArray<string>) =>
  Stream.runCollect(streamObject(schema, "Go.")).pipe(Effect.provide(claude(block(0, texts))))

const ask = <A = typeof Letter.Type, I = typeof Letter.Encoded>(
  texts: ReadonlyArray<string>,
  schema: Schema.Codec<A, I> = Letter as never
) => Effect.provide(generateObject(schema, "Go.", { reask: 0 }), TestClaude.layer(message(texts.join(""))))
