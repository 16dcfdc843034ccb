/**
 * Generates schemas from lists of numbers, and values of the JSON schemas that are sent. The values follow the phrases in
 * the descriptions, as a model would.
 */
// @effect-diagnostics schemaNumber:off - users write Schema.Number
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { constraintsIn, type JsonSchema, schemaIn } from "../../../src/claude/OutputFormat.ts"
import { Tree } from "../../fixtures.ts"

export type Codec = Schema.Codec<unknown, unknown>

/** Chooses an index below `size`. The same numbers give the same choices. */
export type Choose = (size: number) => number

export const chooseFrom = (numbers: ReadonlyArray<number>): Choose => {
  let at = 0
  return (size) => (numbers[at++ % Math.max(1, numbers.length)] ?? 0) % size
}

/** Patterns, each with a matching text. */
const patterns: ReadonlyArray<readonly [RegExp, string]> = [
  [/^[A-Z]{2}-\d+$/, "AB-12"],
  [/^; at least 3$/, "; at least 3"],
  [/^\w+\/"x"$/, 'a/"x"'],
  [/^[a-f]+$/i, "AbC"]
]

let names = 0
const word = (choose: Choose) => `${["the", "a", "its"][choose(3)]} word ${choose(100_000)} "quoted"; at least 9`

/** A schema of any kind, nested at most `depth` levels deep. */
export const schemaOf = (choose: Choose, depth: number): Codec => {
  const schema = depth === 0 ? leaf(choose) : [leaf, composite, composite][choose(3)]?.(choose, depth - 1)
  const made = schema ?? Schema.String
  return choose(3) === 0 ? made.annotate({ description: word(choose) }) : made
}

const leaf = (choose: Choose): Codec => {
  const [low, high] = [choose(1000) + 10, choose(1000) + 2000]
  const kinds: ReadonlyArray<() => Codec> = [
    () => Schema.String,
    () => Schema.String.check(Schema.isBetweenLength(low, high)),
    () => Schema.String.check(Schema.isMinCodePoints(low)),
    () => Schema.String.check(Schema.isPattern(patterns[choose(patterns.length)]?.[0] ?? /a/)),
    () => Schema.String.check(Schema.isStartingWith(`+${low}`)),
    () => Schema.String.annotate({ format: ["date", "time", "email", "hostname", "ipv4", "ipv6"][choose(6)] ?? "" }),
    () => Schema.String.annotate({ title: word(choose), examples: [`e.g. ${low}`], default: "none" }),
    () => Schema.String.check(Schema.isUUID()),
    () => Schema.NonEmptyString.pipe(Schema.brand("Name")),
    () => Schema.Trim,
    () => Schema.Number,
    () => Schema.Finite.check(Schema.isBetween({ minimum: -low, maximum: high, exclusiveMinimum: choose(2) === 0 })),
    () => Schema.Number.check(Schema.isGreaterThan(low), Schema.isLessThanOrEqualTo(high)),
    () => Schema.Int,
    () => Schema.Int.check(Schema.isGreaterThanOrEqualTo(low), Schema.isMultipleOf(7)),
    () => Schema.Boolean,
    () => Schema.Null,
    () => Schema.Literal(low),
    () => Schema.Literals(["a", "b", "c"]),
    () => Schema.Union([Schema.Literal("a").annotate({ description: word(choose) }), Schema.Literal("b")]),
    () => Schema.Enum({ Low: 0, High: 1 }),
    () => Schema.TemplateLiteral(["id-", Schema.Literals(["a", "b"])]),
    () => Schema.Date.annotate({ description: word(choose) }),
    () => Schema.Date.check(Schema.isGreaterThanDate(new Date(Date.UTC(2000 + (low % 100), 0)))),
    () => Schema.DateFromString,
    () => Schema.DateTimeUtc,
    () => Schema.URL,
    () => Schema.BigInt.check(Schema.isGreaterThanBigInt(BigInt(low))),
    () => Schema.Duration,
    () => Schema.FiniteFromString.check(Schema.isGreaterThan(low)),
    () => Schema.BigDecimal,
    () => Schema.Uint8Array,
    () => Schema.Redacted(Schema.String.check(Schema.isMinLength(low))),
    () => Schema.Option(Schema.Date.annotate({ description: word(choose) })),
    () => Schema.OptionFromNullOr(Schema.FiniteFromString.check(Schema.isLessThan(high))),
    () => Schema.Unknown,
    () => Schema.DateTimeZoned,
    () => numberInText,
    () => Schema.String.check(Schema.makeFilter((text) => text.length > low, { expected: `text of ${low} signs` }))
  ]
  const refused: ReadonlyArray<() => Codec> = [
    () => Schema.Never,
    () => Tree,
    () => Schema.instanceOf(WeakRef),
    () => Schema.String.check(Schema.makeFilter((text) => text.length > low))
  ]
  const some = choose(40) === 0 ? refused : kinds
  return some[choose(some.length)]?.() ?? Schema.String
}

const numberInText = Schema.String.pipe(
  Schema.decodeTo(Schema.Finite, { decode: SchemaGetter.transform(Number), encode: SchemaGetter.transform(String) })
)

const composite = (choose: Choose, depth: number): Codec => {
  const one = () => schemaOf(choose, depth)
  const few = choose(3) + 2
  const kinds: ReadonlyArray<() => Codec> = [
    () => Schema.Struct(fieldsOf(choose, depth)),
    () => Schema.Struct(fieldsOf(choose, depth)),
    () => classOf(fieldsOf(choose, depth)),
    () => Schema.Array(one()),
    () => Schema.Array(one()).check(Schema.isBetweenLength(few, few + 11)),
    () => Schema.NonEmptyArray(one()),
    () => Schema.Tuple([one(), one()]),
    () => Schema.TupleWithRest(Schema.Tuple([one()]), [one()]),
    () => Schema.Record(Schema.String, one()),
    () => Schema.Record(Schema.String, one()).check(Schema.isMinProperties(few)),
    () => Schema.HashMap(Schema.String, one()),
    () => Schema.ReadonlySet(one()),
    () => Schema.NullOr(one()),
    () => Schema.UndefinedOr(one()),
    () => Schema.Union([Schema.TaggedStruct("a", { of: one() }), Schema.TaggedStruct("b", { with: one() })]),
    () =>
      Schema.Struct({ from: Schema.Date.annotate({ description: word(choose) }) }).pipe(
        Schema.encodeKeys({ from: "to" })
      ),
    () => Schema.StructWithRest(Schema.Struct({ known: Schema.Int }), [Schema.Record(Schema.String, Schema.Int)]),
    () => Schema.suspend(() => Schema.Struct({ later: Schema.Int }))
  ]
  return kinds[choose(kinds.length)]?.() ?? Schema.String
}

const classOf = (fields: Readonly<Record<string, Codec>>): Codec => {
  class Made extends Schema.Class<Made>(`Class${names++}`)(fields) {}
  return Made
}

const fieldsOf = (choose: Choose, depth: number): Readonly<Record<string, Codec>> =>
  Object.fromEntries(
    Array.from({ length: choose(4) + 1 }, (_, index) => {
      const schema = schemaOf(choose, depth)
      const field = [
        () => schema,
        () => schema,
        () => Schema.optionalKey(schema),
        () => Schema.optional(schema),
        () => schema.pipe(Schema.annotateKey({ description: word(choose) }))
      ][choose(5)]
      return [`field${index}`, field?.() ?? schema]
    })
  )

/** A value of a sent schema that also satisfies its descriptions. */
export const valueOf = (schema: JsonSchema, choose: Choose): unknown => {
  const { anyOf, enum: values, items, properties = {}, required = [], type } = schema
  if (schema.const !== undefined) return schema.const
  if (values !== undefined) return values[choose(values.length)]
  if (anyOf !== undefined) return valueOf(anyOf[choose(anyOf.length)] ?? {}, choose)
  const constraints = constraintsIn(schema.description ?? "")
  switch (type) {
    case "object": {
      const chosen = Object.entries(properties).filter(([name]) => required.includes(name) || choose(2) === 0)
      return Object.fromEntries(chosen.map(([name, property]) => [name, valueOf(property, choose)]))
    }
    case "array": {
      const fewest = constraints.minItems ?? schema.minItems ?? 0
      const list = Array.from({ length: fewest + choose(2) }, () => valueOf(items ?? {}, choose))
      // "each key once"
      return list.map((item, index) =>
        isEntry(item) && typeof item.key === "string" ? { ...item, key: `k${index}` } : item
      )
    }
    case "integer":
    case "number":
      return numberOf(constraints, type === "integer" ? 1 : 0.5)
    case "boolean":
      return choose(2) === 0
    case "string": {
      const inText = schemaIn(schema.description ?? "")
      if (inText === undefined) return textOf(schema, choose)
      return JSON.stringify(valueOf(expanded(inText, inText, 6), choose))
    }
    default:
      return null
  }
}

/** The schema with its references filled in. The items of a list this deep are left out, since they may never end. */
const expanded = (schema: unknown, root: unknown, depth: number): JsonSchema => {
  if (typeof schema !== "object" || schema === null) return {}
  const { $ref = "", anyOf, items, properties, ...rest }: Untrusted = schema
  const named = /^#\/\$defs\/(.+)$/.exec($ref)?.[1]
  if (named !== undefined) return expanded(Object(root).$defs[named], root, depth - 1)
  if (rest.type === "array" && depth < 0) return { const: JSON.parse("[]") }
  return {
    ...rest,
    ...(anyOf && { anyOf: anyOf.map((one) => expanded(one, root, depth)) }),
    ...(items && { items: expanded(items, root, depth) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, one]) => [name, expanded(one, root, depth)])
      )
    })
  }
}

type Untrusted = JsonSchema & { readonly $ref?: string }

const isEntry = (item: unknown): item is { readonly key: unknown } =>
  typeof item === "object" && item !== null && "key" in item && "value" in item

const numberOf = (constraints: ReturnType<typeof constraintsIn>, step: number): number => {
  const { exclusiveMaximum, exclusiveMinimum, maximum, minimum, multipleOf = 0 } = constraints
  const low = exclusiveMinimum === undefined ? minimum : exclusiveMinimum + step
  const high = exclusiveMaximum === undefined ? maximum : exclusiveMaximum - step
  const value = low ?? high ?? 0
  return multipleOf === 0 ? value : Math.ceil(value / multipleOf) * multipleOf
}

const formats: Readonly<Record<string, string>> = {
  "date-time": "2150-02-03T04:05:06.789+02:00",
  time: "04:05:06Z",
  date: "2150-02-03",
  duration: "P1DT2H",
  email: "a@example.com",
  hostname: "example.com",
  uri: "https://example.com/a",
  ipv4: "127.0.0.1",
  ipv6: "::1",
  uuid: "7a1c2b1e-0c5d-4b7a-9d5e-2f6a3b4c5d6e"
}

/** Texts for phrases that JSON Schema has no keyword for. */
const samples: ReadonlyArray<readonly [phrase: RegExp, sample: string]> = [
  [/JSON text of any value/, `{"a":[1]}`],
  [/a zoned DateTime/, "2024-01-01T00:00:00.000+00:00[Europe/London]"],
  [/base64/, "AQID"],
  [/decoded as a BigDecimal/, "1.5"],
  [/regular expression \/\^id-/, "id-b"]
]

const textOf = ({ description = "", format }: JsonSchema, choose: Choose): string => {
  if (format !== undefined) return formats[format] ?? ""
  const phrases = description.slice(description.lastIndexOf("Constraints: "))
  const sample = samples.find(([phrase]) => phrase.test(phrases))
  if (sample !== undefined) return sample[1]
  const constraints = constraintsIn(description)
  if (/decoded as a (finite )?number|decimal digits/.test(phrases)) return String(numberOf(constraints, 1))
  const { pattern } = constraints
  const matching = patterns.find(([{ source }]) => source === pattern)
  if (matching !== undefined) return matching[1]
  const beginning = /^Constraints: starts with (".*")\.$/.exec(phrases)?.[1]
  if (beginning !== undefined) return `${JSON.parse(beginning)}…`
  const length = Number(/text of (\d+) signs/.exec(phrases)?.[1] ?? 0) + 1
  return (
    "x".repeat(Math.max(length, constraints.minLength ?? 0)) + (choose(2) === 0 || constraints.maxLength ? "" : "é")
  )
}
