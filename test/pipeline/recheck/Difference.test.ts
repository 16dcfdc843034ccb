import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Difference from "../../../src/pipeline/recheck/Difference.ts"

describe("the first difference", () => {
  it("has the path of the value and both values", () => {
    assert.strictEqual(first({ a: { b: [1, 2] } }, { a: { b: [1, 3] } }), "a.b.1 was 2 and is 3")
    assert.strictEqual(first({ a: 1 }, { a: 1, b: "x" }), 'b was absent and is "x"')
    assert.strictEqual(first({ a: [1] }, { a: {} }), "a was [1] and is {}")
    assert.strictEqual(first("x", "y"), 'the whole was "x" and is "y"')
  })

  it("shows a long text around the place where it changes, and not more than 80 characters of it", () => {
    const prompt = (word: string) => `${"before ".repeat(100)}${word}${" after".repeat(100)}`
    const [, was = "", is = ""] =
      /^a was (.*) and is (.*)$/.exec(first({ a: prompt("OLD") }, { a: prompt("NEW") })) ?? []
    assert.include(was, "before OLD after")
    assert.include(is, "before NEW after")
    assert.isAtMost(was.length, 82)
  })

  it.prop("is there if and only if the values differ", [Schema.Json, Schema.Json], ([was, is]) => {
    assert.strictEqual(first(was, was), "nothing")
    if (JSON.stringify(was) !== JSON.stringify(is)) assert.notStrictEqual(first(was, is), "nothing")
  })
})

// Builders

const first = (was: Schema.Json, is: Schema.Json) => Difference.first(JSON.stringify(was), JSON.stringify(is))
