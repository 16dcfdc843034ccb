import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Normalize from "../../../src/pipeline/score/Normalize.ts"

describe("Normalize.text", () => {
  it("ignores case, white space, and the quotes and closing punctuation around a text", () => {
    for (const text of ["Spam", " spam\n", '"Spam."', "**spam**", "SPAM!!", "«spam»"]) {
      assert.strictEqual(Normalize.text(text), "spam")
    }
    assert.strictEqual(Normalize.text("New  \n York"), "new york")
    assert.strictEqual(Normalize.text("e\u0301tat"), "\u00E9tat")
  })

  it("keeps what stands inside, and signs that change a meaning", () => {
    assert.strictEqual(Normalize.text("e.g. 3.5"), "e.g. 3.5")
    assert.strictEqual(Normalize.text("C++"), "c++")
    assert.strictEqual(Normalize.text("-5"), "-5")
    assert.strictEqual(Normalize.text("007"), "007")
  })

  it("does not make different texts of punctuation equal", () => {
    assert.notStrictEqual(Normalize.text("?"), Normalize.text("!"))
  })
})

describe("Normalize.number", () => {
  it("reads the last number of a text", () => {
    for (const [text, value] of [
      ["42", 42],
      ["-1.5e3", -1500],
      ["−7", -7],
      [".5", 0.5],
      ["The total of 3 items is $1,234.50.", 1234.5],
      ["60 %", 60],
      ["1,000,000", 1_000_000]
    ] as const) {
      assert.deepStrictEqual(Normalize.number(text), Result.succeed(value), text)
    }
  })

  it("refuses a text without a number, and marks that can be read in two ways", () => {
    assert.deepStrictEqual(Normalize.number("none"), Result.fail("has no number"))
    for (const text of ["12,5", "1.234.567", "1,2345", "1.234,50"]) {
      assert.deepStrictEqual(
        Normalize.number(text),
        Result.fail(`has the number ${text}, which can be read in two ways`)
      )
    }
  })
})
