import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as ScoredLine from "../../src/pipeline/ScoredLine.ts"

describe("a scored line", () => {
  it("of one field has its expected value and a score", () => {
    const score = { value: 1, explanation: "" }
    assert.deepStrictEqual(ScoredLine.values({ label: "spam" }, score, { judged: false }), {
      expected_label: "spam",
      score: 1
    })
  })

  it("of several fields has a score for each too, and null for what is unscored", () => {
    const right = { value: 1, explanation: "" }
    const score = { value: 1, explanation: "fine", fields: { a: right, b: { value: undefined, explanation: "" } } }
    assert.deepStrictEqual(ScoredLine.values({ a: "x", b: "" }, score, { judged: false }), {
      expected_a: "x",
      expected_b: null,
      score_a: 1,
      score_b: null,
      score: 1
    })
    assert.deepStrictEqual(ScoredLine.values({ a: "x", b: "" }, score, { judged: true }), {
      expected_a: "x",
      expected_b: null,
      score: 1,
      explanation: "fine"
    })
  })

  it("has values that the schema of its columns takes", () => {
    for (const fields of [["a"], ["a", "b"]]) {
      for (const judged of [true, false]) {
        const expected = Object.fromEntries(fields.map((field) => [field, ""]))
        const written = ScoredLine.values(expected, { value: undefined, explanation: "" }, { judged })
        const columns = ScoredLine.columns(fields, { judged })
        assert.deepStrictEqual(Object.keys(written), Object.keys(columns))
        assert.isTrue(Schema.is(Schema.Struct(columns))(written))
      }
    }
  })

  it("is read back, apart from the input columns and the fields", () => {
    const line = {
      key: "7",
      body: "Hi",
      a: 1,
      b: "x",
      expected_a: "1",
      expected_b: "y",
      score_a: 1,
      score_b: 0,
      score: 0.5
    }
    const { fields, isScored, key, score, values } = ScoredLine.read(line)
    assert.deepStrictEqual([key, isScored, score], ["7", true, 0.5])
    assert.deepStrictEqual(fields, [
      { name: "a", expected: "1", answer: 1, score: 1 },
      { name: "b", expected: "y", answer: "x", score: 0 }
    ])
    assert.deepStrictEqual(
      [...values],
      [
        ["body", "Hi"],
        ["a", 1],
        ["b", "x"]
      ]
    )
  })

  it("has only the values of its results where these are known", () => {
    const { values } = ScoredLine.read({ key: "7", body: "Hi", label: "x", note: null }, new Set(["label", "note"]))
    assert.deepStrictEqual(
      [...values],
      [
        ["label", "x"],
        ["note", null]
      ]
    )
  })

  it("is scored by a judge without expected values if it has an explanation", () => {
    const { isScored, score } = ScoredLine.read({ key: "1", text: "Hi", score: 0.5, explanation: "short" })
    assert.deepStrictEqual([isScored, score], [true, 0.5])
  })

  it("without an expected value is an ordinary result, also if it has a field called score", () => {
    const { isScored, score, values } = ScoredLine.read({ key: "1", score: 3, expected_time: "soon" })
    assert.isFalse(isScored)
    assert.isUndefined(score)
    assert.deepStrictEqual([...values.keys()], ["score", "expected_time"])
  })
})
