import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { type Codec, descriptionOf, fieldOf, inForm, refusalOf } from "./Sent.ts"

const { Finite, Int, String } = Schema

describe("a format is", () => {
  it.each<[string, Codec, object]>([
    ["a keyword of a text", String.annotate({ format: "email" }), { type: "string", format: "email" }],
    [
      "in words for a number",
      Finite.annotate({ format: "email" }),
      { type: "number", description: "Constraints: a finite number; format: email." }
    ],
    [
      "in words beside the keyword of a check",
      String.annotate({ format: "email" }).check(Schema.isUUID()),
      { type: "string", format: "uuid", description: "Constraints: format: email; a UUID." }
    ],
    [
      "the keyword of a check",
      String.check(Schema.isGUID()),
      { type: "string", format: "uuid", description: "Constraints: a GUID." }
    ],
    [
      "in words for a text that is decoded as a whole number",
      Schema.FiniteFromString.check(Schema.isInt()).annotateKey({ format: "email" }),
      {
        type: "string",
        format: "email",
        description: "Constraints: a whole number; a string that will be decoded as a finite number."
      }
    ]
  ])("%s", (_, schema, sent) => {
    assert.deepStrictEqual<unknown>(fieldOf(schema), sent)
  })
})

describe("a list must have an item", () => {
  const map = Schema.Record(String, Int)
  it.each<[string, Codec]>([
    ["from length 1", Schema.Array(Int).check(Schema.isMinLength(1))],
    ["from length 1 to 3", Schema.Array(Int).check(Schema.isBetweenLength(1, 3))],
    ["from size 1", Schema.ReadonlySet(Int).check(Schema.isMinSize(1))],
    ["from size 1 to 3", Schema.ReadonlySet(Int).check(Schema.isBetweenSize(1, 3))],
    ["from one property", map.check(Schema.isMinProperties(1))],
    ["from 2 to 3 properties", map.check(Schema.isBetweenProperties(2, 3))]
  ])("%s", (_, schema) => {
    assert.strictEqual(fieldOf(schema)?.minItems, 1)
  })

  it.each<[string, Codec]>([
    ["length 0", Schema.Array(Int).check(Schema.isMinLength(0))],
    ["length 0 to 3", Schema.Array(Int).check(Schema.isBetweenLength(0, 3))],
    ["size 0", Schema.ReadonlySet(Int).check(Schema.isMinSize(0))],
    ["no properties", map.check(Schema.isMinProperties(0))],
    ["at most 3", Schema.Array(Int).check(Schema.isMaxLength(3))],
    ["at most 3 properties", map.check(Schema.isMaxProperties(3))]
  ])("but not from %s", (_, schema) => {
    assert.isUndefined(fieldOf(schema)?.minItems)
  })
})

describe("a length is in the unit of", () => {
  it.each<[string, Codec, string]>([
    ["a text", String.check(Schema.isMinLength(2)), "Constraints: at least 2 characters."],
    ["a list", Schema.Array(Int).check(Schema.isMinLength(2)), "Constraints: at least 2 items."],
    ["a set", Schema.ReadonlySet(Int).check(Schema.isMinSize(2)), "Constraints: at least 2 items."],
    [
      "a map",
      Schema.ReadonlyMap(String, Int).check(Schema.isMinSize(2)),
      "A map, as a list of its entries; each key once. Constraints: at least 2 entries."
    ],
    ["an object", Schema.Struct({ a: Int }).check(Schema.isMinProperties(1)), "Constraints: at least 1 entry."]
  ])("%s", (_, schema, description) => {
    assert.strictEqual(descriptionOf(schema), description)
  })
})

describe("the type that a value is decoded as", () => {
  it.each<[string, Codec, string]>([
    ["true or false", Schema.Boolean, "true or false"],
    ["a bigint", Schema.BigInt, "a whole number"],
    ["null", Schema.Null, "null"],
    ["a date", Schema.Date, "a date"],
    ["a date and time", Schema.DateTimeUtc, "a date and time"],
    ["a duration", Schema.Duration, "a duration"],
    ["a URL", Schema.URL, "a URL"],
    ["a class", Money, "Money"]
  ])("is sent in words for a text of the user: %s", (_, type, words) => {
    assert.strictEqual(descriptionOf(inForm(type)), `Constraints: is decoded as ${words}.`)
  })

  it("is not sent if the text has a name or a check, or stays a text", () => {
    assert.isUndefined(descriptionOf(inForm(Money, String.annotate({ identifier: "Cents" }))))
    assert.isUndefined(descriptionOf(inForm(String)))
    const checked = inForm(Schema.Boolean, String.check(Schema.isMinLength(2)))
    assert.strictEqual(descriptionOf(checked), "Constraints: at least 2 characters.")
  })

  it("is sent with its unit for a number of Effect", () => {
    const sent = [Schema.DateTimeUtcFromMillis, Schema.DurationFromMillis].map(descriptionOf)
    assert.deepStrictEqual(sent, [
      "Constraints: is decoded as a date, in milliseconds since 1970.",
      "Constraints: a finite number; is decoded as a duration, in milliseconds."
    ])
  })

  it("is sent as a schema for JSON in a text", () => {
    const schema = '{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":true}'
    assert.strictEqual(
      descriptionOf(Schema.fromJsonString(Schema.Struct({ a: String }))),
      `Constraints: a string that will be decoded as JSON; JSON text that satisfies the schema ${schema}.`
    )
  })
})

describe("a declared type without a form in JSON is refused by its name", () => {
  it.each<[string, Schema.Annotations.Bottom<WeakRef<object>, readonly []>]>([
    ["Weak", { identifier: "Weak", title: "a title" }],
    ["a title", { title: "a title", expected: "something" }],
    ["something", { expected: "something" }],
    ["a declared type", {}]
  ])("%s", (name, annotations) => {
    assert.include(refusalOf(Schema.instanceOf(WeakRef).annotate(annotations)), `: ${name} has no form in JSON at`)
  })
})

// Builders

class Money extends Schema.Class<Money>("Money")({ cents: Int }) {}
