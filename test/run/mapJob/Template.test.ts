import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Template from "../../../src/run/mapJob/Template.ts"

describe("Template", () => {
  it("puts the values of a row into the text", () => {
    assert.strictEqual(filled("{{a}} and {{ b }}, {{a}}", { a: "one", b: "two" }), "one and two, one")
    assert.strictEqual(filled("no column", {}), "no column")
  })

  it("writes a text as it is, nothing for null, and any other value as JSON", () => {
    const row = {
      text: "x\ny",
      none: null,
      empty: "",
      number: 1.5,
      isNew: true,
      list: [1, "b"],
      record: { a: 1 },
      big: 2n ** 64n
    }
    const text = filled("[{{text}}|{{none}}|{{empty}}|{{number}}|{{isNew}}|{{list}}|{{record}}|{{big}}]", row)
    assert.strictEqual(text, '[x\ny|||1.5|true|[1,"b"]|{"a":1}|18446744073709551616]')
  })

  it("puts a value in as it is, also one that looks like a column", () => {
    assert.strictEqual(filled("{{a}} {{b}}", { a: "{{b}} \\{{b}}", b: "$& $1" }), "{{b}} \\{{b}} $& $1")
  })

  it("follows a path into a value, and prefers a column of exactly that name", () => {
    const row = { author: { name: "Ada", tags: ["x", "y"] }, "author.name": "Bob", "a.b": { c: 1 } }
    assert.strictEqual(filled("{{author.name}} {{author.tags.1}}", row), "Bob y")
    assert.deepStrictEqual(Template.find({ author: { name: "Ada" } }, "author.name"), Option.some("Ada"))
    for (const name of ["author.nme", "author.name.length", "toString", "author.constructor", "author.tags.2"]) {
      assert.deepStrictEqual(Template.find(row, name), Option.none(), name)
    }
  })

  it("finds columns with any name: with spaces around it, in it, or a question mark", () => {
    const row = { "first name": "Ada", " age": 36, "Is it urgent?": "yes", __proto__: null }
    assert.strictEqual(filled("{{first name}} {{ age}} {{Is it urgent?}}", row), "Ada 36 yes")
    const parsed: Template.Row = JSON.parse('{"__proto__":"kept"}')
    assert.strictEqual(filled("{{__proto__}}", parsed), "kept")
  })

  it("leaves out a column with a question mark that the row lacks", () => {
    assert.strictEqual(filled("a{{note?}}{{author.name?}}", { author: {} }), "a")
    assert.strictEqual(filled("{{note?}}", { note: "n" }), "n")
    assert.isTrue(Template.isOptional(" note? "))
    assert.isFalse(Template.isOptional("note"))
  })

  it("reads \\{{ as braces, and single braces as text", () => {
    assert.strictEqual(filled('\\{{a}} {"x": {{a}}} }} {', { a: 1 }), '{{a}} {"x": 1} }} {')
  })

  it("points at braces that are not closed, or name no column", () => {
    const mistakes = ["say {{a", "say {{a\n}}", "say {{a {{b}}", "{{a}}{{ }}"].map((text) => {
      const { at, detail } = Result.getOrThrow(Result.flip(Template.parse(text)))
      return [at, detail.split(";")[0]]
    })
    assert.deepStrictEqual(mistakes, [
      [4, "this {{ has no }}"],
      [4, "this {{ has no }}"],
      [4, "this {{ has no }}"],
      [5, "these braces name no column"]
    ])
  })

  it("lists the columns with their places", () => {
    const template = Result.getOrThrow(Template.parse("a {{b}} {{c?}}"))
    assert.deepStrictEqual(Template.columnsOf(template), [
      { name: "b", at: 2 },
      { name: "c?", at: 8 }
    ])
  })
})

// Builders

const filled = (text: string, row: Template.Row): string =>
  Template.render(Result.getOrThrow(Template.parse(text)), row)
