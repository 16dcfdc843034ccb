// @effect-diagnostics schemaNumber:off - users write Schema.Number; what is sent for it is tested here
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as OutputFormat from "../../src/claude/OutputFormat.ts"
import { Tree } from "../fixtures.ts"

type Codec = Schema.Codec<unknown, unknown>

describe("the sent schema has", () => {
  it.each<[string, Codec, object]>([
    ["text", Schema.String, { type: "string" }],
    ["a brand", Schema.String.pipe(Schema.brand("Id")), { type: "string" }],
    [
      "a number, without the words NaN and Infinity",
      Schema.Number,
      { type: "number", description: "Constraints: a finite number." }
    ],
    ["a whole number, without bounds", Schema.Int, { type: "integer" }],
    ["true or false", Schema.Boolean, { type: "boolean" }],
    ["null", Schema.Null, { type: "null" }],
    ["a literal", Schema.Literal("a"), { type: "string", const: "a" }],
    ["literals", Schema.Literals(["a", "b"]), { type: "string", enum: ["a", "b"] }],
    ["literals of several types", Schema.Literals(["a", 1]), { enum: ["a", 1] }],
    ["literals or null, without a union", Schema.NullOr(Schema.Literals(["a", "b"])), { enum: ["a", "b", null] }],
    ["an enum", Schema.Enum({ Low: "low", High: "high" }), { type: "string", enum: ["low", "high"] }],
    [
      "an enum of numbers",
      Schema.Enum({ Low: 0, High: 1 }),
      { type: "integer", enum: [0, 1], description: "0 means Low. 1 means High" }
    ],
    ["a nullable value", Schema.NullOr(Schema.Int), { anyOf: [{ type: "integer" }, { type: "null" }] }],
    [
      "a union of unions, as one union",
      Schema.NullOr(Schema.Union([Schema.Int, Schema.Boolean])),
      { anyOf: [{ type: "integer" }, { type: "boolean" }, { type: "null" }] }
    ],
    ["a list", Schema.Array(Schema.Int), { type: "array", items: { type: "integer" } }],
    ["a non-empty list", Schema.NonEmptyArray(Schema.Int), { type: "array", items: { type: "integer" }, minItems: 1 }],
    [
      "a list with a length",
      Schema.Array(Schema.Int).check(Schema.isBetweenLength(2, 3)),
      {
        type: "array",
        items: { type: "integer" },
        minItems: 1,
        description: "Constraints: at least 2 items; at most 3 items."
      }
    ],
    ["a date", Schema.Date, { type: "string", format: "date-time" }],
    ["a date in text", Schema.DateFromString, { type: "string", format: "date-time" }],
    ["a date and time", Schema.DateTimeUtc, { type: "string", format: "date-time" }],
    ["a URL", Schema.URL, { type: "string", format: "uri" }],
    [
      "a duration",
      Schema.Duration,
      { type: "string", format: "duration", description: "Constraints: no years and no months, such as PT1H30M." }
    ],
    ["a bigint", Schema.BigInt, { type: "string", description: "Constraints: a whole number in decimal digits." }],
    ["a redacted text", Schema.Redacted(Schema.String), { type: "string" }],
    ["any JSON", Schema.Unknown, { type: "string", description: "Constraints: the JSON text of any value." }],
    [
      "a number in text",
      Schema.FiniteFromString.check(Schema.isGreaterThan(3)),
      { type: "string", description: "Constraints: greater than 3; a string that will be decoded as a finite number." }
    ],
    [
      "a transformation without a description",
      Schema.String.pipe(
        Schema.decodeTo(Schema.Finite, {
          decode: SchemaGetter.transform(Number),
          encode: SchemaGetter.transform(String)
        })
      ),
      { type: "string", description: "Constraints: is decoded as a number." }
    ],
    [
      "a date in a form of the user",
      Schema.String.pipe(
        Schema.decodeTo(Schema.Date, {
          decode: SchemaGetter.transform((text) => new Date(text.split(".").toReversed().join("-"))),
          encode: SchemaGetter.transform((date) => date.toISOString().slice(0, 10).split("-").toReversed().join("."))
        })
      ),
      { type: "string", description: "Constraints: is decoded as a date." }
    ],
    [
      "a date in milliseconds",
      Schema.DateTimeUtcFromMillis,
      { type: "integer", description: "Constraints: is decoded as a date, in milliseconds since 1970." }
    ],
    [
      "a duration in milliseconds",
      Schema.DurationFromMillis,
      {
        type: "number",
        description: "Constraints: a finite number; is decoded as a duration, in milliseconds."
      }
    ],
    ["dates in a set", Schema.HashSet(Schema.Date), { type: "array", items: { type: "string", format: "date-time" } }],
    [
      "a template",
      Schema.TemplateLiteral(["id-", Schema.Literals(["a", "b"])]),
      { type: "string", description: "Constraints: matches the regular expression /^id-(?:a|b)$/." }
    ]
  ])("%s", (_, schema, sent) => {
    assert.deepStrictEqual<unknown>(fieldOf(schema), sent)
  })

  it("required fields, optional fields, and fields that may be undefined", () => {
    const { String, optional, optionalKey } = Schema
    assert.deepStrictEqual<unknown>(
      sentFor(
        Schema.Struct({ a: String, b: optionalKey(String), c: optional(String), d: optional(Schema.NullOr(String)) })
      ),
      {
        type: "object",
        properties: {
          a: { type: "string" },
          b: { type: "string" },
          c: { type: "string" },
          d: { anyOf: [{ type: "string" }, { type: "null" }] }
        },
        required: ["a"],
        additionalProperties: false
      }
    )
  })

  it("a root that is not an object, as a field of an object", () => {
    assert.deepStrictEqual<unknown>(sentFor(Schema.Array(Schema.Int)), {
      type: "object",
      properties: { value: { type: "array", items: { type: "integer" } } },
      required: ["value"],
      additionalProperties: false
    })
  })
})

describe("a declaration is sent", () => {
  const words = "the day of birth"
  it.each<[string, Codec, string]>([
    ["on a type", Schema.Date.annotate({ description: words }), words],
    ["on a key", Schema.Int.pipe(Schema.annotateKey({ description: words })), words],
    [
      "on a key and on its type",
      Schema.Int.annotate({ description: "years" }).pipe(Schema.annotateKey({ description: words })),
      `${words}. years`
    ],
    ["on a number", Schema.Number.annotate({ description: words }), `${words}. Constraints: a finite number.`],
    ["on a class", Born.annotate({ description: words }), words],
    ["on what an Option holds", Schema.OptionFromNullOr(Schema.Date.annotate({ description: words })), words],
    ["on the encoded side", Schema.String.annotate({ description: words }).pipe(Schema.decodeTo(Schema.Trim)), words],
    [
      "on a member of a union",
      Schema.Union([Schema.Literal("a").annotate({ description: words }), Schema.Literal("b")]),
      `"a": ${words}`
    ],
    ["as a title", Schema.String.annotate({ title: "Birth", description: words }), `Birth: ${words}`],
    [
      "as examples and a default, in the shape that is sent",
      Schema.Date.annotate({ examples: [new Date(0)], default: new Date(1) }),
      `For example: "1970-01-01T00:00:00.000Z". Default: "1970-01-01T00:00:00.001Z"`
    ],
    [
      "as a range of a number",
      Schema.Number.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
      "Constraints: a finite number; at least 1; at most 5."
    ],
    ["as a length", Schema.String.check(Schema.isMinLength(10)), "Constraints: at least 10 characters."],
    [
      "as a pattern with flags",
      Schema.String.check(Schema.isPattern(/^a+$/i)),
      "Constraints: matches the regular expression /^a+$/i."
    ],
    [
      "as a format that the API does not know",
      Schema.String.annotate({ format: "phone" }),
      "Constraints: format: phone."
    ],
    [
      "as a custom check",
      Schema.String.check(Schema.makeFilter((s) => s.length > 3, { expected: "an IBAN" })),
      "Constraints: an IBAN."
    ],
    [
      "as the description of a check",
      Schema.Int.check(Schema.isGreaterThan(1, { description: words })),
      `${words}. Constraints: greater than 1.`
    ]
  ])("%s", (_, schema, description) => {
    assert.include(JSON.stringify(sentFor(Schema.Struct({ field: schema }))), JSON.stringify(description).slice(1, -1))
  })

  it.each<[string, Codec, string]>([
    ["a format", Schema.String.annotate({ format: "email" }), "email"],
    ["a check for a UUID", Schema.String.check(Schema.isUUID(4)), "uuid"]
  ])("as a keyword: %s", (_, schema, format) => {
    assert.deepInclude(fieldOf(schema), { format })
  })
})

describe("a value is decoded and encoded", () => {
  it.effect.each<[string, Codec, unknown, unknown]>([
    [
      "a map",
      Schema.Record(Schema.String, Schema.Date),
      [{ key: "a", value: "1970-01-01T00:00:00.000Z" }],
      { a: new Date(0) }
    ],
    ["a map of Effect", Schema.HashMap(Schema.String, Schema.Int), [{ key: "a", value: 1 }], HashMap.make(["a", 1])],
    ["a tuple", Schema.Tuple([Schema.String, Schema.Int]), { 0: "a", 1: 2 }, ["a", 2]],
    [
      "a tuple without its optional end",
      Schema.Tuple([Schema.String, Schema.optionalKey(Schema.Int)]),
      { 0: "a" },
      ["a"]
    ],
    [
      "a tuple with a rest and an end",
      Schema.TupleWithRest(Schema.Tuple([Schema.String]), [Schema.Int, Schema.Boolean]),
      { 0: "a", rest: [1, 2], last1: true },
      ["a", 1, 2, true]
    ],
    ["an empty tuple", Schema.Tuple([]), {}, []],
    [
      "an object with a map",
      Schema.StructWithRest(Schema.Struct({ a: Schema.Int }), [Schema.Record(Schema.String, Schema.Int)]),
      { a: 1, others: [{ key: "b", value: 2 }] },
      { a: 1, b: 2 }
    ],
    [
      "an optional map and tuple",
      Schema.Struct({
        m: Schema.optionalKey(Schema.Record(Schema.String, Schema.Int)),
        t: Schema.optional(Schema.Tuple([Schema.Int]))
      }),
      { m: [{ key: "a", value: 1 }], t: { 0: 2 } },
      { m: { a: 1 }, t: [2] }
    ],
    [
      "an optional map that is missing",
      Schema.Struct({ m: Schema.optionalKey(Schema.Record(Schema.String, Schema.Int)) }),
      {},
      {}
    ],
    [
      "the right member of a union",
      Schema.Array(Schema.Union([Schema.Tuple([Schema.Int]), Schema.Record(Schema.String, Schema.Int)])),
      [{ 0: 1 }, [{ key: "a", value: 1 }]],
      [[1], { a: 1 }]
    ],
    ["a duration", Schema.Duration, "PT90S", Duration.seconds(90)],
    ["any JSON", Schema.Unknown, `{"a":[1]}`, { a: [1] }],
    ["an option", Schema.Option(Schema.Int), { value: { _tag: "Some", value: 1 } }, Option.some(1)],
    ["a value that is not an object", Schema.Int, { value: 1 }, 1],
    [
      "a union with a field of the wrapper's name",
      Schema.Union([Schema.Struct({ value: Schema.Int }), Schema.Int]),
      { value: { value: 1 } },
      { value: 1 }
    ],
    [
      "a key __proto__",
      Schema.Record(Schema.String, Schema.Int),
      [{ key: "__proto__", value: 1 }],
      JSON.parse(`{"__proto__":1}`)
    ]
  ])("%s", ([, schema, sent, value]) =>
    Effect.gen(function* () {
      const { decode, schema: root, write } = formatOf(schema)
      const answer = root.properties?.["value"] !== undefined && !isWrapped(sent) ? { value: sent } : sent
      assert.deepStrictEqual(yield* decode(JSON.stringify(answer)), value)
      assert.deepStrictEqual(write(yield* Schema.encodeEffect(Schema.toCodecJson(schema))(value)), answer)
    })
  )

  it.effect("a secret, and a duration with days", () =>
    Effect.gen(function* () {
      const secret = yield* formatOf(Schema.Redacted(Schema.String)).decode(`{"value":"s"}`)
      assert.isTrue(Redacted.isRedacted(secret))
      const long = yield* formatOf(Schema.Duration).decode(`{"value":"P1DT0.5S"}`)
      assert.deepStrictEqual(long, Duration.millis(86_400_500))
    })
  )
})

const fields = (n: number, schema: Codec) =>
  Schema.Struct(Object.fromEntries(Array.from({ length: n }, (_, i) => [`f${i}`, schema])))

describe("a schema that the API would refuse fails with its path and a remedy", () => {
  it.each<[string, Codec, string]>([
    [
      "no value",
      Schema.Struct({ a: Schema.Never }),
      'no value satisfies the schema (Schema.Never) at ["a"]; leave the field out'
    ],
    [
      "a type without a form in JSON",
      Schema.Struct({ a: Schema.instanceOf(WeakRef) }),
      'a declared type has no form in JSON at ["a"]; annotate it with toCodecJson, or use a type that has a form in JSON'
    ],
    [
      "a check without a description",
      Schema.Struct({ a: Schema.Array(Schema.String.check(Schema.makeFilter((s) => s.length > 3))) }),
      'a check has no words that Claude could read at ["a"][]; say it in words: Schema.makeFilter(…, { expected: "an IBAN" })'
    ]
  ])("%s", (_, schema, why) => {
    const { message } = Result.getOrThrow(Result.flip(OutputFormat.make(schema)))
    assert.strictEqual(message, `this schema cannot be sent: ${why}`)
  })
})

describe("in the native form, a schema is refused with its path and a remedy for", () => {
  it.each<[string, Codec, string]>([
    ["recursion", Tree, 'it contains itself at Tree["branches"][]; bound its depth'],
    [
      "itself, deeper",
      Schema.Struct({ forest: Schema.Array(Tree) }),
      'it contains itself at ["forest"][]["branches"][]; bound its depth'
    ],
    [
      "17 unions",
      fields(17, Schema.NullOr(Schema.String)),
      'it has 17 unions, the API accepts 16, and the first one over the limit is at ["f16"]; use Schema.optionalKey instead of null, or split the schema over several calls'
    ],
    [
      "25 optional fields",
      fields(25, Schema.optionalKey(Schema.String)),
      'it has 25 optional properties, the API accepts 24, and the first one over the limit is at ["f24"]; make some required, or split the schema over several calls'
    ]
  ])("%s", (_, schema, why) => {
    const { message } = Result.getOrThrow(Result.flip(OutputFormat.makeNative(schema)))
    assert.strictEqual(message, `this schema cannot be sent: ${why}`)
  })
})

describe("a schema is sent as it is", () => {
  it("if it is exactly at the limits", () => {
    assert.lengthOf(OutputFormat.count(sentFor(fields(16, Schema.NullOr(Schema.String)))).unions, 16)
    assert.lengthOf(OutputFormat.count(sentFor(fields(24, Schema.optionalKey(Schema.String)))).optional, 24)
    for (const schema of [
      Schema.Number,
      Schema.optionalKey(Schema.Number),
      Schema.optional(Schema.String),
      Schema.NullOr(Schema.Literals(["a"]))
    ]) {
      assert.lengthOf(OutputFormat.count(sentFor(fields(17, schema))).unions, 0)
    }
  })
})

it("a schema is translated once", () => {
  assert.strictEqual(OutputFormat.make(Tree), OutputFormat.make(Tree))
})

// Builders

class Born extends Schema.Class<Born>("Born")({ on: Schema.Date }) {}

const formatOf = (schema: Codec) => Result.getOrThrow(OutputFormat.make(schema))
const sentFor = (schema: Codec) => formatOf(schema).schema
const fieldOf = (schema: Codec) => sentFor(Schema.Struct({ field: schema })).properties?.["field"]
const isWrapped = (sent: unknown) => typeof sent === "object" && sent !== null && "value" in sent
