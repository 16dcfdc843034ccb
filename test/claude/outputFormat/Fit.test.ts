import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as OutputFormat from "../../../src/claude/OutputFormat.ts"
import { chooseFrom, type Codec, schemaOf, valueOf } from "./Generate.ts"

const { optionalKey, String: Text, Struct, NullOr } = Schema

/** A struct of this many fields. */
const fields = (count: number, schema: Codec, before: Record<string, Codec> = {}) =>
  Struct({ ...before, ...Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, schema])) })

describe("over the limits", () => {
  it.effect("a union with null is sent as an optional property, and a missing one is read as null", () =>
    Effect.gen(function* () {
      const { decode, schema, write } = formatOf(fields(18, NullOr(Text)))
      assert.lengthOf(OutputFormat.count(schema).unions, 16)
      assert.deepStrictEqual(OutputFormat.count(schema).optional, [`["f16"]`, `["f17"]`])
      const sent = { ...Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`f${at}`, null])), f17: "b" }
      const value = { ...sent, f16: null }
      assert.deepStrictEqual(yield* decode(JSON.stringify(sent)), value)
      assert.deepStrictEqual(write(value), sent)
    })
  )

  it.effect("an optional property is sent as a required one that may be null, and null is read as missing", () =>
    Effect.gen(function* () {
      const { decode, schema, write } = formatOf(fields(26, optionalKey(Text)))
      const { optional, unions } = OutputFormat.count(schema)
      assert.lengthOf(optional, 24)
      assert.deepStrictEqual(unions, [`["f24"]`, `["f25"]`])
      assert.deepStrictEqual(yield* decode(`{"f1":"a","f24":null,"f25":"b"}`), { f1: "a", f25: "b" })
      assert.deepStrictEqual(write({ f1: "a", f25: "b" }), { f1: "a", f24: null, f25: "b" })
    })
  )

  it("an optional literal takes null without a union", () => {
    const { schema } = formatOf(fields(25, optionalKey(Schema.Literals(["a", "b"]))))
    assert.lengthOf(OutputFormat.count(schema).unions, 0)
    assert.deepInclude(schema.properties?.["f24"], { enum: ["a", "b", null] })
  })

  it.effect("what is left is sent as JSON in a text, with its schema in words", () =>
    Effect.gen(function* () {
      const { decode, schema, write } = formatOf(fields(60, optionalKey(Text)))
      const { optional, unions } = OutputFormat.count(schema)
      assert.deepStrictEqual([optional.length, unions.length], [24, 16])
      const f0 = schema.properties?.["f24"]
      assert.deepStrictEqual(f0, {
        type: "string",
        description: `Constraints: an empty text where there is no value; JSON text that satisfies the schema {"type":"string"}.`
      })
      const empty = Object.fromEntries((schema.required ?? []).map((name) => [name, isText(schema, name) ? "" : null]))
      assert.deepStrictEqual(yield* decode(JSON.stringify(empty)), {})
      assert.deepStrictEqual(write({}), empty)
      const value = { f24: "", f59: "x" }
      assert.deepStrictEqual(yield* decode(JSON.stringify(write(value))), value)
      // A model may forget the quotes.
      assert.deepStrictEqual(yield* decode(JSON.stringify({ ...empty, f24: "plain" })), { f24: "plain" })
    })
  )

  it.effect("a union of structs is sent as it is while smaller unions can change", () =>
    Effect.gen(function* () {
      const shape = Schema.Union([
        Struct({ _tag: Schema.tag("a"), x: NullOr(Text) }),
        Struct({ _tag: Schema.tag("b"), x: Text })
      ])
      const unions = fields(20, Schema.Union([Text, Schema.Finite]), { shape })
      const { decode, schema, write } = formatOf(unions)
      assert.isDefined(schema.properties?.["shape"]?.anyOf)
      const value = {
        shape: { _tag: "a", x: null },
        ...Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`f${at}`, at % 2 === 0 ? at : `${at}`]))
      }
      const sent = write(value)
      assert.deepStrictEqual(yield* decode(JSON.stringify(sent)), value)
    })
  )
})

describe("an optional map or tuple", () => {
  it.effect.each<[string, Codec, unknown]>([
    ["with a value", optionalKey(Schema.Record(Text, Schema.Int)), { a: 1 }],
    ["of two", optionalKey(Schema.Tuple([Text, Schema.Int])), ["a", 1]]
  ])("decodes over the limits too: %s", ([, schema, one]) =>
    Effect.gen(function* () {
      const { decode, write } = formatOf(fields(50, schema))
      const value = Object.fromEntries([0, 23, 24, 30, 45, 49].map((at) => [`f${at}`, one]))
      assert.deepStrictEqual(yield* decode(JSON.stringify(write(value))), value)
    })
  )
})

it.effect("every large schema is within the limits, and its values are read and written", () =>
  Effect.gen(function* () {
    const number = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e6 })))
    const lists = yield* Arbitrary.sampleEffect(Arbitrary.array(number, { minLength: 97, maxLength: 97 }), {
      count: 25,
      seed: "large schemas"
    })
    let changed = 0
    for (const numbers of lists) {
      const choose = chooseFrom(numbers)
      const entries = Array.from({ length: 30 + choose(40) }, (_, at) => {
        const field = schemaOf(choose, 1 + choose(2))
        return [`f${at}`, [field, optionalKey(field), NullOr(field), optionalKey(NullOr(field))][choose(4)] ?? field]
      })
      const large = Struct(Object.fromEntries(entries))
      const made = OutputFormat.make(large)
      if (Result.isFailure(made)) {
        assert.notMatch(made.failure.message, /the API accepts/)
        continue
      }
      const { decode, part, schema, write } = made.success
      const { optional, unions } = OutputFormat.count(schema)
      assert.isAtMost(optional.length, 24)
      assert.isAtMost(unions.length, 16)
      if (Result.isFailure(OutputFormat.makeNative(large))) changed++
      const sent = valueOf(schema, choose)
      const value = yield* decode(JSON.stringify(sent))
      const json = part.read(sent)
      assert.deepStrictEqual(yield* decode(JSON.stringify(write(json))), value)
    }
    assert.isAbove(changed, 10)
  })
)

// Builders

const formatOf = (schema: Codec) => Result.getOrThrow(OutputFormat.make(schema))

const isText = ({ properties = {} }: OutputFormat.JsonSchema, name: string) =>
  properties[name]?.description?.includes("JSON text") === true
