import { assert, describe, it } from "@effect/vitest"
import * as Evaluation from "../../src/pipeline/Evaluation.ts"
import * as ScoredLine from "../../src/pipeline/ScoredLine.ts"

describe("an evaluation", () => {
  it("has the accuracy with its interval, without the unscored rows", () => {
    const { accuracy } = evaluate([
      ...Array.from({ length: 8 }, () => line("spam", "spam", 1)),
      line("ham", "spam", 0),
      line("spam", "ham", 0),
      line("spam", null, null)
    ])
    assert.strictEqual(accuracy.mean, 0.8)
    assert.deepStrictEqual([accuracy.scored, accuracy.unscored], [10, 1])
    assert.closeTo(accuracy.lower, 0.49016, 5e-6)
    assert.closeTo(accuracy.upper, 0.94332, 5e-6)
  })

  it("has a confusion matrix of few values, by the rules of the scorer", () => {
    const evaluation = evaluate([
      line("spam", "spam", 1),
      line("Spam", "spam", 1),
      line("ham", "spam", 0),
      line("ham", "ham", 1),
      line("spam", null, null)
    ])
    assert.deepStrictEqual(evaluation.fields[0]?.confusion, {
      labels: ["ham", "spam"],
      counts: [
        [1, 0],
        [1, 2]
      ]
    })
    assert.strictEqual(
      Evaluation.toText(evaluation),
      [
        "accuracy: 75.0 % (95 % interval 30.1 % to 95.4 %, 4 rows); 1 unscored",
        "  label: expected ↓ answer →  ham  spam",
        "  ham                           1     0",
        "  spam                          1     2"
      ].join("\n")
    )
  })

  it("has no confusion matrix of many values or of long ones", () => {
    const many = Array.from({ length: 13 }, (_, index) => line(`v${index}`, `v${index}`, 1))
    assert.isUndefined(evaluate(many).fields[0]?.confusion)
    assert.isUndefined(evaluate([line("x".repeat(41), "y", 0)]).fields[0]?.confusion)
  })

  it("has the accuracy of each field", () => {
    const rows = [1, 0, 1, 1].map((b) => ({
      key: "1",
      a: 1,
      expected_a: "1",
      score_a: 1,
      b,
      expected_b: "1",
      score_b: b,
      score: (1 + b) / 2
    }))
    const evaluation = evaluate(rows)
    assert.strictEqual(evaluation.accuracy.mean, 0.875)
    assert.deepStrictEqual(
      evaluation.fields.map(({ accuracy, name }) => [name, accuracy.mean]),
      [
        ["a", 1],
        ["b", 0.75]
      ]
    )
    assert.include(Evaluation.toText(evaluation), "\n  b: 75.0 % (95 % interval 30.1 % to 95.4 %, 4 rows)\n")
  })

  it("says so if no row can be scored, and is none of lines without scores", () => {
    assert.include(
      Evaluation.toText(evaluate([line("spam", null, null)])),
      "accuracy: no row can be scored; 1 unscored"
    )
    const counter = Evaluation.counter()
    counter.add(ScoredLine.read({ key: "1", label: "spam" }))
    assert.isUndefined(counter.result())
  })
})

const line = (label: string, expected: string | null, score: number | null) => ({
  key: "1",
  label,
  expected_label: expected,
  score
})

const evaluate = (lines: ReadonlyArray<Readonly<Record<string, unknown>>>) => {
  const counter = Evaluation.counter()
  for (const line of lines) counter.add(ScoredLine.read(line))
  return counter.result() ?? assert.fail("no line is scored")
}
