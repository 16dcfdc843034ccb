import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Stream from "effect/Stream"
import { generateObject, streamElements, streamObject } from "../../src/call/object.ts"
import type { Claude } from "../../src/claude/Claude.ts"
import type { ClaudeError } from "../../src/claude/ClaudeError.ts"
import * as Cost from "../../src/claude/Cost.ts"
import * as Event from "../../src/claude/Event.ts"
import type { Message } from "../../src/claude/Reply.ts"
import * as ResponseCache from "../../src/policy/ResponseCache.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import type { Fields } from "../../src/testing/TestClaude.ts"
import { message, searched, thinking, Tree } from "../fixtures.ts"

const letter = `{"author":"Ada","year":1842}`
const Letter = Schema.Struct({ author: Schema.String, year: Schema.Int })

class Person extends Schema.Class<Person>("Person")({ name: Schema.String }) {
  get greeting() {
    return `Hello, ${this.name}`
  }
}

class Dictionary extends Context.Service<Dictionary, Readonly<Record<string, string>>>()("test/Dictionary") {}

/** A schema that needs a service to decode. */
const Translated = Schema.Struct({
  word: Schema.String.pipe(
    Schema.decodeTo(Schema.String, {
      decode: SchemaGetter.transformEffect((word: string) => Effect.map(Dictionary, (words) => words[word] ?? word)),
      encode: SchemaGetter.passthrough()
    })
  )
})

const Stars = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))
const Ages = Schema.Record(Schema.String, Schema.Int)
const Circle = Schema.Struct({ _tag: Schema.tag("circle"), radius: Schema.Int })
const Square = Schema.Struct({ _tag: Schema.tag("square"), side: Schema.Int })

describe("generateObject", () => {
  it.effect("returns the decoded value with the text, the usage and the request id", () =>
    Effect.gen(function* () {
      const reply = yield* generateObject(Letter, "Whose letter is it?")
      assert.deepStrictEqual(reply.value, { author: "Ada", year: 1842 })
      assert.strictEqual(reply.text, letter)
      assert.deepInclude(reply.usage, { input: 10, output: 20 })
      assert.strictEqual(reply.requestId, "req_test_1")
    }).pipe(Effect.provide(TestClaude.layer(message(letter))))
  )

  it.effect("sends the schema as the output format and keeps the effort of the prompt", () =>
    Effect.gen(function* () {
      yield* generateObject(Letter, { messages: [], output_config: { effort: "low" } })
      const [sent] = yield* TestClaude.calls
      assert.deepStrictEqual(sent?.output_config, {
        effort: "low",
        format: {
          type: "json_schema",
          schema: {
            type: "object",
            properties: { author: { type: "string" }, year: { type: "integer" } },
            required: ["author", "year"],
            additionalProperties: false
          }
        }
      })
    }).pipe(Effect.provide(TestClaude.layer(letter)))
  )

  it.effect("refuses documents with citations before a call, also in the result of a tool", () =>
    Effect.gen(function* () {
      const citations = { enabled: true }
      const document = {
        type: "document" as const,
        source: { type: "text" as const, media_type: "text/plain" as const, data: "x" },
        citations
      }
      const result = { type: "search_result" as const, source: "a", title: "b", content: [], citations }
      const found = { type: "tool_result" as const, tool_use_id: "1", content: [result] }
      for (const block of [document, result, found]) {
        const prompt = { messages: [{ role: "user" as const, content: [block] }] }
        const failures = [
          yield* Effect.flip(generateObject(Letter, prompt)),
          yield* Effect.flip(Stream.runDrain(streamObject(Letter, prompt))),
          yield* Effect.flip(Stream.runDrain(streamElements(Letter, prompt)))
        ]
        for (const { reason } of failures) {
          assert.strictEqual(reason._tag, "Unsupported")
          assert.include(reason.message, "leave citations out, or ask for text first")
        }
      }
      assert.lengthOf(yield* TestClaude.calls, 0)
      yield* generateObject(Letter, {
        messages: [{ role: "user", content: [{ ...document, citations: { enabled: false } }] }]
      })
    }).pipe(Effect.provide(TestClaude.layer(letter)))
  )

  it.effect("requires the services of the schema from the caller", () =>
    Effect.gen(function* () {
      const asked = generateObject(Translated, "Which word?")
      expectTypeOf<Effect.Services<typeof asked>>().toEqualTypeOf<Claude | Dictionary>()
      expectTypeOf<Effect.Error<typeof asked>>().toEqualTypeOf<ClaudeError>()
      const { value } = yield* Effect.provideService(asked, Dictionary, { cat: "Katze" })
      assert.strictEqual(value.word, "Katze")
    }).pipe(Effect.provide(TestClaude.layer(`{"word":"cat"}`)))
  )
})

describe("a schema may have", () => {
  it.effect.each<[string, Schema.Codec<unknown>, string, unknown]>([
    [
      "optional fields, which Claude leaves out",
      Schema.Struct({ a: Schema.optionalKey(Schema.String), b: Schema.optional(Schema.Int) }),
      `{"b":2}`,
      { b: 2 }
    ],
    ["nullable fields", Schema.Struct({ a: Schema.NullOr(Schema.Int) }), `{"a":null}`, { a: null }],
    ["literals", Schema.Struct({ mood: Schema.Literals(["good", "bad"]) }), `{"mood":"bad"}`, { mood: "bad" }],
    ["checks", Schema.Struct({ stars: Stars }), `{"stars":5}`, { stars: 5 }],
    [
      "unions of structs",
      Schema.Struct({ shape: Schema.Union([Circle, Square]) }),
      `{"shape":{"_tag":"square","side":2}}`,
      { shape: { _tag: "square", side: 2 } }
    ],
    [
      "dates",
      Schema.Struct({ at: Schema.DateFromString }),
      `{"at":"2026-11-23T00:00:00Z"}`,
      { at: new Date("2026-11-23") }
    ],
    [
      "date-times",
      Schema.Struct({ at: Schema.DateTimeUtcFromString }),
      `{"at":"2026-11-23T00:00:00Z"}`,
      { at: DateTime.makeUnsafe("2026-11-23") }
    ],
    [
      "records, as entries",
      Schema.Struct({ ages: Ages }),
      `{"ages":[{"key":"Ada","value":36}]}`,
      { ages: { Ada: 36 } }
    ],
    ["tuples", Schema.Tuple([Schema.String, Schema.Int]), `{"0":"a","1":2}`, ["a", 2]],
    ["options", Schema.Struct({ a: Schema.OptionFromNullOr(Schema.Int) }), `{"a":null}`, { a: Option.none() }],
    ["a list at its root, which Claude sends in an object", Schema.Array(Schema.Int), `{"value":[1,2]}`, [1, 2]],
    ["a list at its root, sent as it is", Schema.Array(Schema.Int), "[1,2]", [1, 2]]
  ])("%s", ([, schema, answer, value]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* generateObject(schema, "Go.")).value, value)
    }).pipe(Effect.provide(TestClaude.layer(answer)))
  )

  it.effect("descriptions, which are sent together with the checks", () =>
    Effect.gen(function* () {
      const described = Schema.Int.annotate({ description: "how many stars" })
      const between = Schema.isBetween({ minimum: 1, maximum: 5 })
      yield* generateObject(Schema.Struct({ stars: described.check(between) }), "Go.")
      const [sent] = yield* TestClaude.calls
      const sentSchema = JSON.stringify(sent?.output_config?.format)
      assert.include(sentSchema, "how many stars. Constraints: at least 1; at most 5.")
    }).pipe(Effect.provide(TestClaude.layer(`{"stars":5}`)))
  )

  it.effect("classes", () =>
    Effect.gen(function* () {
      const { value } = yield* generateObject(Person, "Go.")
      assert.instanceOf(value, Person)
      assert.strictEqual(value.greeting, "Hello, Ada")
    }).pipe(Effect.provide(TestClaude.layer(`{"name":"Ada"}`)))
  )
})

describe("an answer that does not decode", () => {
  it.effect.each<[string, Schema.Codec<unknown>, string, string]>([
    ["of another type", Letter, `{"author":"Ada","year":"planted"}`, `Expected number at ["year"]`],
    ["that misses a field", Letter, `{"author":"planted"}`, `Missing key at ["year"]`],
    [
      "with a wrong nested value",
      Schema.Struct({ a: Schema.Array(Schema.Struct({ b: Schema.Int })) }),
      `{"a":[{"b":1},{"b":"planted"}]}`,
      `Expected number at ["a"][1]["b"]`
    ],
    [
      "that fails a check",
      Schema.Struct({ stars: Stars }),
      `{"stars":77}`,
      `Expected a value between 1 and 5 at ["stars"]`
    ],
    [
      "with an unknown literal",
      Schema.Struct({ mood: Schema.Literals(["good", "bad"]) }),
      `{"mood":"planted"}`,
      `Expected "good" | "bad" at ["mood"]`
    ],
    [
      "with an invalid date",
      Schema.Struct({ at: Schema.DateFromString }),
      `{"at":"planted"}`,
      `Expected a valid Date at ["at"]`
    ],
    [
      "with a wrong value under any key",
      Schema.Struct({ born: Schema.Record(Schema.String, Schema.DateFromString) }),
      `{"born":[{"key":"planted","value":"planted"}]}`,
      `Expected a valid Date at ["born"][…]`
    ],
    ["that is not JSON", Letter, `planted`, `Expected a valid JSON string`]
  ])(
    "%s is OutputInvalid: the message names path and expected value, and does not quote the answer",
    ([, schema, text, why]) =>
      Effect.gen(function* () {
        const { reason } = yield* Effect.flip(generateObject(schema, "Go.", { reask: 0 }))
        assert.strictEqual(reason._tag, "OutputInvalid")
        assert.strictEqual(reason.detail, `the answer does not satisfy the schema: ${why} (stop reason: end_turn)`)
        assert.deepInclude({ ...reason }, { text, requestId: "req_test_1" })
        assert.deepInclude(reason.usage, { input: 10, output: 20 })
        assert.notMatch(reason.message, /planted|77/)
      }).pipe(Effect.provide(TestClaude.layer(message(text))))
  )

  it.effect.each<[NonNullable<Message["stop_reason"]>, string]>([
    ["max_tokens", "OutputTruncated"],
    ["refusal", "Refused"],
    ["tool_use", "ToolUseRequested"]
  ])("because of %s is %s, not OutputInvalid", ([stop_reason, tag]) =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(generateObject(Letter, "Go."))
      assert.strictEqual(reason._tag, tag)
      assert.deepInclude({ ...reason }, { text: `{"author":"A` })
      assert.deepInclude(reason.usage, { input: 10, output: 20 })
    }).pipe(Effect.provide(TestClaude.layer(message({ ...message(`{"author":"A`), stop_reason }))))
  )
})

describe("an answer that does not satisfy the schema", () => {
  const invalid = message(`{"author":"Ada","year":"1842?"}`)

  /** The result of an effect, and the events of the ladder. */
  const withEvents = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const result = yield* Effect.result(effect).pipe(
        Event.listen(({ _tag }) => Effect.sync(() => _tag.startsWith("output-") && events.push(_tag)))
      )
      return { events, result }
    })

  it.effect("is asked for once more, with only the error and its path, and all calls are counted", () =>
    Effect.gen(function* () {
      const { events, result } = yield* withEvents(generateObject(Letter, "Whose letter is it?"))
      const { cost, text, usage, value } = yield* Effect.fromResult(result)
      assert.deepStrictEqual(value, { author: "Ada", year: 1842 })
      assert.strictEqual(text, letter)
      assert.deepInclude(usage, { input: 20, output: 40 })
      const one = Cost.bill(message(letter), new Date()).cost
      assert.isTrue(cost !== undefined && one !== undefined && BigDecimal.equals(cost, BigDecimal.sum(one, one)))
      assert.deepStrictEqual(events, ["output-reasked"])
      const [{ messages, ...first } = { messages: [] }, second] = yield* TestClaude.calls
      assert.deepInclude(second, first)
      const content = `An earlier answer did not satisfy the schema: Expected number at ["year"]. Answer again.`
      assert.deepStrictEqual(second?.messages, [...messages, { role: "user", content }])
    }).pipe(Effect.provide(TestClaude.layer([invalid, message(letter)])))
  )

  it.effect("fails with OutputInvalid if the second answer is invalid too: the usage covers both", () =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(generateObject(Letter, "Go."))
      assert.strictEqual(reason._tag, "OutputInvalid")
      assert.include(reason.detail, `Missing key at ["year"]`)
      assert.deepInclude(reason.usage, { input: 20, output: 40 })
    }).pipe(Effect.provide(TestClaude.layer([invalid, message(`{"author":"Ada"}`)])))
  )

  it.effect("is asked for as often as the caller says, with the error of the last answer", () =>
    Effect.gen(function* () {
      const { value } = yield* generateObject(Letter, "Go.", { reask: 2 })
      assert.strictEqual(value.year, 1842)
      assert.deepStrictEqual(
        (yield* TestClaude.calls).map(({ messages }) => messages.length),
        [1, 2, 2]
      )
      assert.include((yield* TestClaude.prompts)[2], `Missing key at ["year"]`)
    }).pipe(Effect.provide(TestClaude.layer([invalid, `{"author":"Ada"}`, letter])))
  )

  it.effect.each<[string, NonNullable<Message["stop_reason"]>]>([
    ["Refused", "refusal"],
    ["OutputTruncated", "max_tokens"]
  ])("fails with %s at once if the second answer is that: the usage covers both", ([tag, stop_reason]) =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(generateObject(Letter, "Go.", { reask: 5 }))
      assert.strictEqual(reason._tag, tag)
      assert.deepInclude(reason.usage, { output: 40 })
    }).pipe(Effect.provide(TestClaude.layer([invalid, message({ ...message(letter), stop_reason })])))
  )

  it.effect("is not asked for again in a thread, whose messages the server holds", () =>
    Effect.gen(function* () {
      const prompt = { messages: [], thread: { type: "create" as const }, betas: ["message-threads-2026-08-12"] }
      const { reason } = yield* Effect.flip(generateObject(Letter, prompt))
      assert.strictEqual(reason._tag, "OutputInvalid")
      assert.strictEqual((yield* TestClaude.calls).length, 1)
    }).pipe(Effect.provide(TestClaude.layer([invalid])))
  )

  it.effect("is repaired without a call", () =>
    Effect.gen(function* () {
      const { events, result } = yield* withEvents(generateObject(Letter, "Whose letter is it?"))
      const { value } = yield* Effect.fromResult(result)
      assert.deepStrictEqual(value, { author: "Ada", year: 1842 })
      assert.deepStrictEqual(events, ["output-repaired"])
      assert.strictEqual((yield* TestClaude.calls).length, 1)
    }).pipe(Effect.provide(TestClaude.layer(["Here:\n```json\n{'author': 'Ada', 'year': 1842,}\n```"])))
  )

  it.effect("is not repaired if the caller turns that off", () =>
    Effect.gen(function* () {
      const { events, result } = yield* withEvents(generateObject(Letter, "Go.", { repair: false, reask: 0 }))
      assert.isTrue(Result.isFailure(result))
      assert.deepStrictEqual(events, [])
    }).pipe(Effect.provide(TestClaude.layer(["{'author': 'Ada', 'year': 1842}"])))
  )

  it.effect("is asked for again if its repaired text does not decode, with the error of the answer itself", () =>
    Effect.gen(function* () {
      const { events, result } = yield* withEvents(generateObject(Letter, "Go."))
      assert.isTrue(Result.isSuccess(result))
      assert.deepStrictEqual(events, ["output-reasked"])
      assert.include((yield* TestClaude.prompts)[1], "Expected a valid JSON string")
    }).pipe(Effect.provide(TestClaude.layer(["{'author': 'Ada'}", letter])))
  )

  it.effect("leaves the response cache if no answer decodes, and stays if a later one does", () =>
    Effect.gen(function* () {
      const store = ResponseCache.layerMemory({ capacity: 10 })
      const ask = (replies: ReadonlyArray<string | Message>) =>
        Effect.result(generateObject(Letter, "Go.")).pipe(
          Effect.andThen((first) =>
            Effect.map(Effect.result(generateObject(Letter, "Go.")), (second) => [first, second])
          ),
          Effect.andThen((results) => Effect.map(TestClaude.calls, (calls) => ({ results, calls: calls.length }))),
          Effect.provide(
            TestClaude.layer(replies).pipe(ResponseCache.policy({ timeToLive: "1 day" }), Layer.provide(store))
          )
        )
      const failed = yield* ask([invalid, invalid, invalid, letter])
      assert.deepStrictEqual([failed.results.map(Result.isSuccess), failed.calls], [[false, true], 4])
      const right = yield* ask([invalid, letter])
      assert.deepStrictEqual([right.results.map(Result.isSuccess), right.calls], [[true, true], 2])
    })
  )
})

describe("an answer with a server tool", () => {
  it.effect.each<[string, ReadonlyArray<string | Fields>]>([
    ["words before it", [{ content: ["Let me look.", ...searched, letter] }]],
    ["words between two", [{ content: [...searched, "Once more.", ...searched, letter] }]],
    ["a value in two blocks", [{ content: [...searched, letter.slice(0, 9), letter.slice(9)] }]],
    [
      "a pause before its result",
      [{ content: ["Let me look.", searched[0]], stop_reason: "pause_turn" }, { content: [searched[1], letter] }]
    ]
  ])("gives the value after it: %s", ([, replies]) =>
    Effect.gen(function* () {
      const { text, usage, value } = yield* generateObject(Letter, "Whose letter is it?")
      assert.deepStrictEqual(value, { author: "Ada", year: 1842 })
      assert.strictEqual(text, letter)
      assert.strictEqual(usage.output, 20 * replies.length)
    }).pipe(Effect.provide(TestClaude.layer(replies.map((reply) => message(reply)))))
  )

  it.effect.each<[string, Fields]>([
    ["empty", { content: [thinking, ""] }],
    ["only before the tool", { content: ["Let me look.", ...searched] }]
  ])("fails with OutputEmpty if the text is %s", ([, fields]) =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(generateObject(Letter, "Whose letter is it?"))
      assert.strictEqual(reason._tag, "OutputEmpty")
      assert.strictEqual(reason.detail, "the answer has no text (stop reason: end_turn)")
      assert.strictEqual(reason.usage?.output, 20)
      assert.isTrue(reason.isRetryable)
    }).pipe(Effect.provide(TestClaude.layer(message(fields))))
  )
})

describe("a schema that contains itself", () => {
  it.effect.each<[string, Schema.Codec<unknown>, string, unknown]>([
    [
      "at its root",
      Tree,
      `{"name":"a","branches":["{\\"name\\":\\"b\\",\\"branches\\":[]}"]}`,
      { name: "a", branches: [{ name: "b", branches: [] }] }
    ],
    [
      "in a field",
      Schema.Struct({ forest: Schema.Array(Tree) }),
      `{"forest":[{"name":"a","branches":["{\\"name\\":\\"b\\",\\"branches\\":[]}"]}]}`,
      { forest: [{ name: "a", branches: [{ name: "b", branches: [] }] }] }
    ]
  ])("%s is answered with JSON in a text below its first level", ([, schema, text, value]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* generateObject(schema, "Go.")).value, value)
      const [sent] = yield* TestClaude.calls
      assert.include(JSON.stringify(sent?.output_config?.format), "JSON text that satisfies the schema")
    }).pipe(Effect.provide(TestClaude.layer(text)))
  )

  it.effect("asks again with the path inside the text", () =>
    Effect.gen(function* () {
      const wrong = `{"name":"a","branches":["{\\"name\\":1,\\"branches\\":[]}"]}`
      const { reason } = yield* Effect.flip(generateObject(Tree, "Go.", { reask: 0 })).pipe(
        Effect.provide(TestClaude.layer(wrong))
      )
      assert.include(reason.message, `Expected string at ["branches"][0]["name"]`)
    })
  )
})
