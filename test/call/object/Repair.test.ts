import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Repair from "../../../src/call/object/Repair.ts"

const repaired = (text: string) =>
  Option.getOrUndefined(Option.map(Repair.of(text), (json): unknown => JSON.parse(json)))

describe("a finished text is repaired", () => {
  it.each([
    ["in a fence", 'Here it is:\n```json\n{"a":1}\n```\nAnything else?'],
    ["in a fence without a language", '```\n{"a":1}\n```'],
    ["after prose", 'Sure! {"a":1}'],
    ["after a mark in the prose", 'As in [1]: {"a":1}'],
    ["before prose", '{"a":1} I hope this helps.'],
    ["with a trailing comma", '{"a":1,}'],
    ["with single quotes", "{'a':1}"],
    ["with keys without quotes", "{a:1}"],
    ["with comments", '{"a":1 /* one */}']
  ])("%s", (_, text) => assert.deepStrictEqual(repaired(text), { a: 1 }))

  it.each([
    ["the words of Python", '{"a":True,"b":None}', { a: true, b: null }],
    ["quotes in a string", '{"a":"she said "hi" twice"}', { a: 'she said "hi" twice' }],
    ["a newline in a string", '{"a":"one\ntwo"}', { a: "one\ntwo" }],
    ["a missing comma", '{"a":1 "b":2}', { a: 1, b: 2 }],
    ["numbers that lack a zero", '{"a":.5,"b":-5.}', { a: 0.5, b: -5 }],
    ["an apostrophe in double quotes", `{'a':"it's fine",}`, { a: "it's fine" }],
    ["parentheses in a string", '{"a":"f(x)",}', { a: "f(x)" }]
  ])("with %s", (_, text, value) => assert.deepStrictEqual(repaired(text), value))
})

describe("there is no repair for", () => {
  it.each([
    ["a text that is JSON", '{"a":"not what was asked for"}'],
    ["a text without a value", "I cannot answer that."],
    ["a value that was cut off", '{"a":1,"b":[1,2'],
    ["a string that was cut off", '{"a":"she said'],
    ["a string that was cut off after a bracket", '{"a":"the set {x}'],
    ["a fence that was cut off", '```json\n{"a":1,'],
    ["a list that was cut off, and closed as if it were an object", '{"a":[1,2}'],
    ["two values in the prose", 'Either {"a":1} or {"a":2}.'],
    ["two values in lines", '{"a":1}\n{"a":2}'],
    ["two fences", '```\n{"a":1}\n```\nor\n```\n{"a":2}\n```'],
    ["a list of values, where prose comes first", 'The list: [{"a":1},{"a":2},'],
    ["left-out values", '{"a":[1,2,...]}'],
    ["a number with a word", '{"a":5 stars}'],
    ["a number that is only a sign", '{"a":-}'],
    ["a number without its exponent", '{"a":1.2e}'],
    ["a call of a function", '{"a":round(1.6)}'],
    ["an apostrophe in single quotes", "{'a':'it's fine'}"],
    ["an apostrophe in single quotes, beside double quotes", `{"a":"one", "b":"two", 'c':'O'Brien'}`],
    ["an apostrophe after a word in single quotes", "{'a':'the dogs' toys'}"]
  ])("%s", (_, text) => assert.strictEqual(repaired(text), undefined))
})

it.effect("no beginning of a JSON text has a repair, wherever it was cut off", () =>
  Effect.gen(function* () {
    const object = Arbitrary.schema(Schema.Record(Schema.String, Schema.Json))
    for (const value of yield* Arbitrary.sampleEffect(object, { count: 40, seed: "cut" })) {
      const text = JSON.stringify(value)
      for (let length = 1; length < text.length; length++) {
        assert.isTrue(Option.isNone(Repair.of(text.slice(0, length))), text.slice(0, length))
      }
    }
  })
)
