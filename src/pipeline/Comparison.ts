/**
 * Two candidates on the same rows, A and B: how often they answer alike, which one is right more often, and whether the
 * difference is more than chance. Only rows that both have finished are compared. It counts the lines of the
 * two outputs, and holds the lines of A in memory.
 */
import * as Schema from "effect/Schema"
import { Accuracy, tally } from "./Evaluation.ts"
import type { ScoredLine } from "./ScoredLine.ts"
import * as Statistics from "./Statistics.ts"

/** A row on which the two differ. */
export const Example = Schema.Struct({
  key: Schema.String,
  /** The expected values, the answers of A and the answers of B, for the fields that differ. */
  expected: Schema.Record(Schema.String, Schema.Json),
  a: Schema.Record(Schema.String, Schema.Json),
  b: Schema.Record(Schema.String, Schema.Json),
  /** Which answer has the higher score; null where neither has, or without scores. */
  better: Schema.NullOr(Schema.Literals(["a", "b"]))
})
export type Example = typeof Example.Type

/** The rows that are scored in both. */
export const Scores = Schema.Struct({
  rows: Schema.Int,
  a: Accuracy,
  b: Accuracy,
  /** Rows on which A, or B, has the higher score, and rows with equal scores. */
  aBetter: Schema.Int,
  bBetter: Schema.Int,
  ties: Schema.Int,
  /** The accuracy of B minus that of A, and its 95 % interval by the paired bootstrap. */
  difference: Schema.Struct({ mean: Schema.Finite, lower: Schema.Finite, upper: Schema.Finite }),
  /** McNemar's exact test of the rows on which one is better. */
  p: Schema.Finite,
  /** The smallest difference that this many rows show in 4 of 5 samples. */
  detectable: Schema.Finite,
  /** There is a winner if the test (p < 0.05) and the interval both exclude chance. */
  winner: Schema.NullOr(Schema.Literals(["a", "b"]))
})
export type Scores = typeof Scores.Type

/** The result of a comparison. */
export const Comparison = Schema.Struct({
  /** Rows that both have finished. */
  rows: Schema.Int,
  /** Rows that one has finished and the other has not: they failed there, or have not run. */
  onlyA: Schema.Int,
  onlyB: Schema.Int,
  /** Rows with the same answer in all fields, with the interval of their share. */
  agreement: Schema.Struct({ same: Schema.Int, lower: Schema.Finite, upper: Schema.Finite }),
  /** Rows with the same answer in a field, for each field that differs on some row. */
  fields: Schema.Array(Schema.Struct({ name: Schema.String, same: Schema.Int })),
  scores: Schema.optionalKey(Scores),
  examples: Schema.Array(Example)
})
export type Comparison = typeof Comparison.Type

/** Counts the lines of A, and then the lines of B. */
export interface Counter {
  readonly addA: (line: ScoredLine) => void
  readonly addB: (line: ScoredLine) => void
  readonly result: () => Comparison
}

/** The examples for each side that is better, and for neither. */
const maxExamples = 5

/** Starts without a line. */
export const counter = (): Counter => {
  const linesOfA = new Map<string, ScoredLine>()
  const differing = new Map<string, number>()
  const differences: Array<number> = []
  const [a, b] = [tally(), tally()]
  const examples = { a: new Array<Example>(), b: new Array<Example>(), none: new Array<Example>() }
  let rows = 0
  let same = 0
  let onlyB = 0
  return {
    addA: (line) => {
      linesOfA.set(line.key, line)
    },
    addB: (lineOfB) => {
      const lineOfA = linesOfA.get(lineOfB.key)
      if (lineOfA === undefined) {
        onlyB += 1
        return
      }
      linesOfA.delete(lineOfB.key)
      rows += 1
      const names = differentFields(lineOfA, lineOfB)
      for (const name of names) differing.set(name, (differing.get(name) ?? 0) + 1)
      if (names.length === 0) same += 1
      if (lineOfA.score !== undefined && lineOfB.score !== undefined) {
        a.add(lineOfA.score)
        b.add(lineOfB.score)
        differences.push(lineOfB.score - lineOfA.score)
      }
      const better = betterOf(lineOfA, lineOfB)
      const list = examples[better ?? "none"]
      if (names.length > 0 && list.length < maxExamples) list.push(exampleOf(lineOfA, lineOfB, names, better))
    },
    result: () => ({
      rows,
      onlyA: linesOfA.size,
      onlyB,
      agreement: { same, ...Statistics.wilson(same, rows) },
      fields: Array.from(differing, ([name, count]) => ({ name, same: rows - count })),
      ...(differences.length > 0 && { scores: scoresOf(a.result(), b.result(), differences) }),
      examples: [...examples.b, ...examples.a, ...examples.none]
    })
  }
}

/** A field that one of the two lacks differs on each row. */
const differentFields = (a: ScoredLine, b: ScoredLine): ReadonlyArray<string> =>
  [...new Set([...a.values.keys(), ...b.values.keys()])].filter(
    (name) => JSON.stringify(a.values.get(name)) !== JSON.stringify(b.values.get(name))
  )

const betterOf = (a: ScoredLine, b: ScoredLine): "a" | "b" | null => {
  if (a.score === undefined || b.score === undefined || a.score === b.score) return null
  return b.score > a.score ? "b" : "a"
}

const exampleOf = (a: ScoredLine, b: ScoredLine, names: ReadonlyArray<string>, better: "a" | "b" | null): Example => {
  const valuesOf = (values: ReadonlyMap<string, unknown>) =>
    Object.fromEntries(names.map((name) => [name, toJson(values.get(name) ?? null)]))
  const expected = b.fields.flatMap(({ expected, name }) => (names.includes(name) ? [[name, toJson(expected)]] : []))
  return { key: b.key, expected: Object.fromEntries(expected), a: valuesOf(a.values), b: valuesOf(b.values), better }
}

const toJson = Schema.decodeUnknownSync(Schema.Json)

const scoresOf = (a: Accuracy, b: Accuracy, differences: ReadonlyArray<number>): Scores => {
  const aBetter = differences.filter((difference) => difference < 0).length
  const bBetter = differences.filter((difference) => difference > 0).length
  const interval = Statistics.pairedBootstrap(differences)
  const p = Statistics.mcNemar(bBetter, aBetter)
  const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length
  const isCertain = p < 0.05
  return {
    rows: differences.length,
    a,
    b,
    aBetter,
    bBetter,
    ties: differences.length - aBetter - bBetter,
    difference: { mean, ...interval },
    p,
    detectable: Statistics.detectable(differences),
    winner: isCertain && interval.lower > 0 ? "b" : isCertain && interval.upper < 0 ? "a" : null
  }
}

const points = (difference: number): string => (difference * 100).toFixed(1)
const signed = (difference: number): string => (difference > 0 ? "+" : "") + points(difference)

/** Whether there is a winner, in words. */
export const verdict = ({ agreement, rows, scores }: Comparison): string => {
  if (rows === 0) return "no row is finished in both: there is nothing to compare"
  if (scores === undefined) {
    return agreement.same === rows
      ? `the answers are the same on all ${rows} rows`
      : `the answers differ on ${rows - agreement.same} of ${rows} rows; without expected values, neither is better`
  }
  const { detectable, difference, p, winner } = scores
  const { lower, mean, upper } = winner === "a" ? mirrored(difference) : difference
  const facts = `95 % interval ${points(lower)} to ${points(upper)}, McNemar p = ${pText(p)}`
  return winner === null
    ? `no difference shown: B is ${signed(mean)} points against A, ${facts}; with ${scores.rows} rows, differences under ` +
        `about ${points(detectable)} points go unnoticed`
    : `${winner.toUpperCase()} is better: ${signed(mean)} points, ${facts}`
}

const mirrored = ({ lower, mean, upper }: Scores["difference"]) => ({ mean: -mean, lower: -upper, upper: -lower })

/** A probability with four places, or its power of ten. */
export const pText = (p: number): string =>
  p < 0.0001 ? p.toExponential(1) : p.toFixed(4).replace(/0+$/, "").replace(/\.$/, "")
