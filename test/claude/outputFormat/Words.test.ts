// @effect-diagnostics schemaNumber:off - users write Schema.Number; its values may be NaN
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Words from "../../../src/claude/outputFormat/Words.ts"

describe("the words of a type", () => {
  it("are its title, description, format, examples and default", () => {
    const annotations = { title: "Birth", description: "when", format: "date", examples: ["a", "b"], default: "c" }
    assert.deepStrictEqual(wordsOf(Schema.String.annotate(annotations)), {
      ...Words.none,
      titles: ["Birth"],
      descriptions: ["when"],
      formats: ["date"],
      notes: ['For example: "a", "b"', 'Default: "c"']
    })
  })

  it("begin with those of its key", () => {
    const schema = Schema.String.annotate({ description: "type" }).pipe(Schema.annotateKey({ description: "key" }))
    assert.deepStrictEqual(wordsOf(schema).descriptions, ["key", "type"])
  })

  it("leave out blank texts, and examples that have no JSON", () => {
    const blank = Schema.String.annotate({ title: " ", description: "", format: "\n", examples: [], expected: "" })
    assert.deepStrictEqual(wordsOf(blank), Words.none)
    const infinite = Schema.Number.annotate({ examples: [Infinity, 1], default: NaN })
    assert.deepStrictEqual(wordsOf(infinite).notes, ["For example: 1"])
    assert.deepStrictEqual(wordsOf(Schema.Number.annotate({ examples: [NaN] })), Words.none)
  })

  it("include what it expects, unless this is the name of a class of Effect", () => {
    assert.deepStrictEqual(wordsOf(Schema.String.annotate({ expected: "an IBAN" })).constraints, ["an IBAN"])
    assert.deepStrictEqual(wordsOf(Schema.Date).constraints, [])
  })
})

describe("the words of a check", () => {
  const long = (annotations: Schema.Annotations.Filter) =>
    wordsOf(Schema.String.check(Schema.makeFilter((text) => text.length > 3, annotations)))

  it.each<[string, Schema.Annotations.Filter, Partial<Words.Words>]>([
    ["what it expects", { expected: "an IBAN", message: "m", identifier: "i" }, { constraints: ["an IBAN"] }],
    ["its message and its name", { message: "m", identifier: "i" }, { constraints: ["m", "i"] }],
    ["its description alone", { description: "d", message: "m", identifier: "i" }, { descriptions: ["d"] }],
    ["its title alone", { title: "t", message: "m" }, { titles: ["t"] }],
    [
      "its title and description",
      { title: "t", description: "d", message: "m" },
      { titles: ["t"], descriptions: ["d"] }
    ],
    ["nothing, so it is opaque", {}, { isOpaque: true }]
  ])("are %s", (_, annotations, words) => {
    assert.deepStrictEqual(long(annotations), { ...Words.none, ...words })
  })

  it("are the phrase of its data, in the unit of the type, and replace what Effect expects", () => {
    const { checks, constraints } = Words.of(
      Schema.Array(Schema.Int).check(Schema.isMinLength(2)).ast,
      "items",
      Words.json
    )
    assert.deepStrictEqual(constraints, ["at least 2 items"])
    assert.deepStrictEqual(checks, [{ id: "effect/schema/isMinLength", payload: { minLength: 2 } }])
  })

  it("are none for a whole number, which its type expresses", () => {
    const { checks, constraints, isOpaque } = wordsOf(Schema.Int)
    assert.deepStrictEqual([checks.map(({ id }) => id), constraints, isOpaque], [["effect/schema/isInt"], [], false])
    const described = wordsOf(Schema.Finite.check(Schema.isInt({ description: "years" })))
    assert.deepStrictEqual(described.descriptions, ["years"])
  })

  it("are those of all its parts if it is a group", () => {
    const group = Schema.makeFilterGroup([Schema.isMinLength(2), Schema.isMaxLength(4)], { expected: "a code" })
    const words = wordsOf(Schema.String.check(group))
    assert.deepStrictEqual(words.constraints, ["a code", "at least 2 characters", "at most 4 characters"])
    assert.lengthOf(words.checks, 2)
  })

  it("are opaque in a group only if neither the group nor the part has words", () => {
    const silent = Schema.makeFilter((text: string) => text.length > 3)
    const isOpaque = (annotations: Schema.Annotations.Filter) =>
      wordsOf(Schema.String.check(Schema.makeFilterGroup([Schema.makeFilterGroup([silent])], annotations))).isOpaque
    assert.isTrue(isOpaque({}))
    for (const name of ["expected", "title", "description"]) assert.isFalse(isOpaque({ [name]: "a code" }))
    const mixed = wordsOf(Schema.String.check(Schema.makeFilterGroup([silent, Schema.isMinLength(1)])))
    assert.isTrue(mixed.isOpaque)
  })

  it("are those of its key schema for the names of properties", () => {
    const Key = Schema.String.check(Schema.isMinLength(2), Schema.isPattern(/^a/))
    const words = wordsOf(Schema.Record(Schema.String, Schema.Int).check(Schema.isPropertyNames(Key)))
    assert.deepStrictEqual(words.constraints, [
      "an object with property names matching the schema",
      "keys: at least 2 characters",
      "keys: matches the regular expression /^a/"
    ])
  })
})

describe("a description", () => {
  it.each<[string, Partial<Words.Words>, string | undefined]>([
    ["nothing", {}, undefined],
    ["a title", { titles: ["Birth"] }, "Birth"],
    ["a description", { descriptions: ["the day"] }, "the day"],
    ["a title and a description", { titles: ["Birth"], descriptions: ["the day"] }, "Birth: the day"],
    ["two titles", { titles: ["Birth", "Day"] }, "Birth: Day"],
    ["two descriptions", { descriptions: ["one", "two"] }, "one. two"],
    ["several of each, and each once", { titles: ["A", "B", "A"], descriptions: ["one", "one"] }, "A: one. B"],
    ["a note", { notes: ["Default: 1", "Default: 1"] }, "Default: 1"],
    ["a description and a note", { descriptions: ["the day"], notes: ["Default: 1"] }, "the day. Default: 1"],
    ["a constraint", { constraints: ["at least 1", "at least 1"] }, "Constraints: at least 1."],
    ["a title and a constraint", { titles: ["Birth"], constraints: ["at least 1"] }, "Birth. Constraints: at least 1."]
  ])("joins %s", (_, words, text) => {
    assert.strictEqual(Words.describe({ ...Words.none, ...words }), text)
  })

  it.each([".", "!", "?", ":", ";"])("adds no point after %s", (end) => {
    const words = { ...Words.none, descriptions: [`one${end}`, "two"] }
    assert.strictEqual(Words.describe(words), `one${end} two`)
  })
})

describe("an example", () => {
  it("is encoded with the codec of its type, and left out where that fails", () => {
    const encode = Words.encodeWith(Schema.toCodecJson(Schema.Date))
    assert.strictEqual(encode(new Date(0)), "1970-01-01T00:00:00.000Z")
    assert.isUndefined(encode("yesterday"))
  })
})

// Builders

const wordsOf = (schema: Schema.Top) => Words.of(schema.ast, "characters", Words.json)
