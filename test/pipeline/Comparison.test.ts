import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Comparison from "../../src/pipeline/Comparison.ts"
import * as ScoredLine from "../../src/pipeline/ScoredLine.ts"
import * as Binomial from "../../src/pipeline/statistics/Binomial.ts"

// SIMULATIONS=1000 makes the simulations long.
const simulations = Number(process.env["SIMULATIONS"] ?? "150")

describe("a comparison", () => {
  it("names the better of two, with the difference, its interval and the test", () => {
    const comparison = compare(scores(440, 12, 33, 15))
    const { a, aBetter, b, bBetter, difference, p, ties, winner } = comparison.scores ?? assert.fail("no scores")
    assert.deepStrictEqual([a.mean, b.mean], [452 / 500, 473 / 500])
    assert.deepStrictEqual([aBetter, bBetter, ties], [12, 33, 455])
    assert.closeTo(difference.mean, 0.042, 1e-12)
    assert.closeTo(difference.lower, 0.016, 0.003)
    assert.closeTo(difference.upper, 0.068, 0.003)
    assert.closeTo(p, 0.00246, 0.0001)
    assert.strictEqual(winner, "b")
    assert.match(
      Comparison.verdict(comparison),
      /^B is better: \+4\.2 points, 95 % interval 1\.\d to [67]\.\d, McNemar p = 0\.0025$/
    )
  })

  it("names A with the same numbers if the two change places", () => {
    const [one, other] = [scores(440, 12, 33, 15), scores(440, 33, 12, 15)].map(compare)
    assert.strictEqual(other?.scores?.winner, "a")
    assert.strictEqual(other?.scores?.p, one?.scores?.p)
    assert.match(other === undefined ? "" : Comparison.verdict(other), /^A is better: \+4\.2 points, 95 % interval 1\./)
  })

  it("shows no difference where chance explains it, and says which differences go unnoticed", () => {
    const comparison = compare(scores(400, 20, 23, 57))
    assert.isNull(comparison.scores?.winner)
    assert.match(
      Comparison.verdict(comparison),
      /^no difference shown: B is \+0\.6 points against A, 95 % interval -\d\.\d to 3\.\d, McNemar p = 0\.76\d+; with 500 rows, differences under about 3\.\d points go unnoticed$/
    )
  })

  it("has no winner on a few rows, even if all differences point one way", () => {
    assert.isNull(compare(scores(5, 0, 5, 0)).scores?.winner)
  })

  it("counts rows that only one has finished apart, and never as wrong", () => {
    const [a, b] = scores(10, 2, 2, 1)
    const comparison = compare([a.slice(0, 12), [...b.slice(1), { ...row("new", 1), key: "new" }]])
    assert.deepStrictEqual([comparison.rows, comparison.onlyA, comparison.onlyB], [11, 1, 4])
    assert.strictEqual(comparison.scores?.rows, 11)
    assert.strictEqual(comparison.scores?.b.scored, 11)
  })

  it("leaves rows that are unscored in one out of both accuracies", () => {
    const comparison = compare([
      [row("1", 1), row("2", 1)],
      [row("1", null), row("2", 0)]
    ])
    assert.deepStrictEqual([comparison.rows, comparison.scores?.rows, comparison.scores?.a.scored], [2, 1, 1])
  })

  it("reports agreement only without scores, for each field that differs", () => {
    const lines = (labels: string) =>
      Array.from(labels, (label, index) => ({ key: `${index}`, body: "Hi", label, tone: 1 }))
    const comparison = compare([lines("aabb"), lines("aaba")])
    assert.deepStrictEqual([comparison.agreement.same, comparison.rows], [3, 4])
    assert.deepStrictEqual(comparison.fields, [{ name: "label", same: 3 }])
    assert.deepStrictEqual(comparison.examples, [
      { key: "3", expected: {}, a: { label: "b" }, b: { label: "a" }, better: null }
    ])
    assert.strictEqual(
      Comparison.verdict(comparison),
      "the answers differ on 1 of 4 rows; without expected values, neither is better"
    )
    assert.strictEqual(
      Comparison.verdict(compare([lines("ab"), lines("ab")])),
      "the answers are the same on all 2 rows"
    )
    assert.match(Comparison.verdict(compare([lines("ab"), []])), /nothing to compare/)
  })

  it("shows at most five rows on which each side is better", () => {
    const { examples } = compare(scores(0, 7, 9, 3))
    assert.deepStrictEqual(
      examples.map(({ better }) => better),
      ["b", "b", "b", "b", "b", "a", "a", "a", "a", "a"]
    )
    assert.deepStrictEqual(examples[0], {
      key: "7",
      expected: { label: "yes" },
      a: { label: "no" },
      b: { label: "yes" },
      better: "b"
    })
  })

  it("survives its JSON form", () => {
    const comparison = compare(scores(10, 2, 5, 1))
    const codec = Schema.toCodecJson(Comparison.Comparison)
    const text = JSON.stringify(Schema.encodeSync(codec)(comparison))
    assert.deepStrictEqual(Schema.decodeUnknownSync(codec)(JSON.parse(text)), comparison)
  })
})

describe("two equal candidates", () => {
  it("get a winner in at most about 5 of 100 comparisons", { timeout: 120_000 }, () => {
    const uniform = Binomial.seeded(17)
    for (const [rows, accuracy] of [
      [60, 0.8],
      [500, 0.9]
    ] as const) {
      let winners = 0
      for (let time = 0; time < simulations; time += 1) {
        const right = Binomial.draw(uniform, rows, accuracy ** 2)
        const differing = Binomial.draw(uniform, rows - right, (2 * accuracy * (1 - accuracy)) / (1 - accuracy ** 2))
        const bBetter = Binomial.draw(uniform, differing, 0.5)
        const pairs = scores(right, differing - bBetter, bBetter, rows - right - differing)
        if (compare(pairs).scores?.winner !== null) winners += 1
      }
      const chance = 2.5 * Math.sqrt((0.05 * 0.95) / simulations)
      assert.isAtMost(winners / simulations, 0.05 + chance, `${rows} rows`)
    }
  })
})

const row = (key: string, score: number | null) => ({
  key,
  body: "Hi",
  label: score === 1 ? "yes" : "no",
  expected_label: "yes",
  score
})

/** The lines of A and B for these numbers of rows: both right, only A, only B, both wrong. */
const scores = (both: number, onlyA: number, onlyB: number, none: number) => {
  const pairs = [
    ...Array.from({ length: both }, () => [1, 1] as const),
    ...Array.from({ length: onlyA }, () => [1, 0] as const),
    ...Array.from({ length: onlyB }, () => [0, 1] as const),
    ...Array.from({ length: none }, () => [0, 0] as const)
  ]
  return [pairs.map(([a], index) => row(`${index}`, a)), pairs.map(([, b], index) => row(`${index}`, b))] as const
}

type Lines = ReadonlyArray<Readonly<Record<string, unknown>>>

const compare = ([a, b]: readonly [Lines, Lines]) => {
  const counter = Comparison.counter()
  for (const line of a) counter.addA(ScoredLine.read(line))
  for (const line of b) counter.addB(ScoredLine.read(line))
  return counter.result()
}
