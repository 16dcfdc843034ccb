import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Fields from "../../../src/run/mapJob/Fields.ts"

describe("Fields", () => {
  it("reads the types of fields", () => {
    const text = `product, price: number, count: integer, isNew: boolean, when: date, urgency: low|high, level: 1|2|3,
      mood: "very good" | bad, score: 1..5, share: 0.0..1.0, cold: -10 .. -1, tags: string[], grid: integer[][], note: string?,
      kinds: a|b[]?`
    assert.deepStrictEqual(read(text), [
      ["product", { _tag: "Word", word: "string" }],
      ["price", { _tag: "Word", word: "number" }],
      ["count", { _tag: "Word", word: "integer" }],
      ["isNew", { _tag: "Word", word: "boolean" }],
      ["when", { _tag: "Word", word: "date" }],
      ["urgency", { _tag: "Choice", values: ["low", "high"] }],
      ["level", { _tag: "Choice", values: [1, 2, 3] }],
      ["mood", { _tag: "Choice", values: ["very good", "bad"] }],
      ["score", { _tag: "Range", minimum: 1, maximum: 5, isWhole: true }],
      ["share", { _tag: "Range", minimum: 0, maximum: 1, isWhole: false }],
      ["cold", { _tag: "Range", minimum: -10, maximum: -1, isWhole: true }],
      ["tags", { _tag: "Word", word: "string" }, 1],
      ["grid", { _tag: "Word", word: "integer" }, 2],
      ["note", { _tag: "Word", word: "string" }, "null"],
      ["kinds", { _tag: "Choice", values: ["a", "b"] }, 1, "null"]
    ])
  })

  it("reads descriptions with commas, colons and parentheses", () => {
    const text = "urgency (how soon: today, (or later)): low|high\nname (full\n  name)"
    const fields = Result.getOrThrow(Fields.parse(text))
    assert.deepStrictEqual(
      fields.map(({ description, name }) => [name, description]),
      [
        ["urgency", "how soon: today, (or later)"],
        ["name", "full name"]
      ]
    )
  })

  it("takes a field per line, commas at line ends, and quoted commas and bars", () => {
    assert.deepStrictEqual(read('a: string,\nb: "x, y"|"z|w?",\n\n'), [
      ["a", { _tag: "Word", word: "string" }],
      ["b", { _tag: "Choice", values: ["x, y", "z|w?"] }]
    ])
  })

  it.each([
    ["", "", "there is no field"],
    [" , ", " , ", "there is no field"],
    ["a: strng", "strng", 'there is no type "strng"; write string, number, integer, boolean, date, a range as 1..5'],
    ["a: int", "int", 'there is no type "int"; write integer'],
    ["a: string, a: number", "a: number", 'the field "a" is here twice'],
    ["a: low", "low", 'there is no type "low"'],
    ['a: "low"', '"low"', "a choice has two values or more"],
    ["a: low||high", "|high", "a choice has no empty value"],
    ["a: low|high|", "", "a choice has no empty value"],
    ["a: low|high|low", "low", '"low" is here twice'],
    ["a: low[]|high", "low[]|high", "write [] after the last value"],
    ["a: 5..1", "5..1", "the smaller number of a range comes first"],
    ["a: 1..1", "1..1", "the smaller number of a range comes first"],
    ["a: string?[]", "?[]", "? comes last"],
    ["a: {b: string}", "{b: string}", "a field holds no object; describe the result with --schema @file"],
    ["a:", "", "a type is missing"],
    ["a string", "string", "after its name, a field has a colon and a type"],
    ["a (what: string", "(what: string", "this parenthesis is not closed"],
    ["a): string", "): string", "this parenthesis closes nothing"],
    ['a: "low|high', '"low|high', "this quote is not closed"],
    ["x, : string", ": string", "a field begins with its name"],
    ["x, key: string", "key: string", 'each result has the key of its row as "key"']
  ])("points at the mistake in %j", (text, place, detail) => {
    const mistake = Result.getOrThrow(Result.flip(Fields.parse(text)))
    assert.include(mistake.detail, detail)
    assert.strictEqual(mistake.at, place === "" || place === " , " ? mistake.at : text.lastIndexOf(place))
    assert.isAtMost(mistake.at, text.length)
  })
})

// Builders

/** Each field as its name, its type, and where it has some, its lists and that it may be null. */
const read = (text: string) =>
  Result.getOrThrow(Fields.parse(text)).map(({ isNullable, lists, name, type }) => [
    name,
    type,
    ...(lists > 0 ? [lists] : []),
    ...(isNullable ? ["null"] : [])
  ])
