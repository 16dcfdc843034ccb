/**
 * The result of `compare`, as text or as JSON: rows, accuracy, cost and latency of both, the rows on which they differ, and
 * whether there is a winner.
 */
import type * as BigDecimal from "effect/BigDecimal"
import * as Schema from "effect/Schema"
import * as Dollars from "../claude/Dollars.ts"
import * as Comparison from "../pipeline/Comparison.ts"
import * as Evaluation from "../pipeline/Evaluation.ts"
import * as DurationText from "./DurationText.ts"

/** One of the two. Costs are exact US dollars, durations milliseconds. */
export const Side = Schema.Struct({
  /** Its state, or the prompt or the model that only it has. */
  name: Schema.String,
  done: Schema.Int,
  failed: Schema.Int,
  pending: Schema.Int,
  /** Of all runs, without the calls of a judge. */
  cost: Schema.BigDecimalFromString,
  judgeCost: Schema.BigDecimalFromString,
  unpriced: Schema.Int,
  /** Half of the calls for answers, and 95 of 100, took at most this long; null if none went out directly. */
  latency: Schema.NullOr(Schema.Struct({ p50: Schema.Finite, p95: Schema.Finite })),
  emulated: Schema.NullOr(Schema.Boolean)
})
export type Side = typeof Side.Type

/** The JSON form of a comparison. */
export const CompareReport = Schema.Struct({
  a: Side,
  b: Side,
  ...Comparison.Comparison.fields,
  verdict: Schema.String
})

/** Two sides and their comparison. */
export interface Compared {
  readonly a: Side
  readonly b: Side
  readonly comparison: Comparison.Comparison
}

/** The comparison for programs. */
export const toJson = ({ a, b, comparison }: Compared) =>
  Schema.encodeEffect(Schema.fromJsonString(CompareReport))({
    a,
    b,
    ...comparison,
    verdict: Comparison.verdict(comparison)
  })

/** The comparison for people. */
export const toText = ({ a, b, comparison }: Compared): string => {
  const { agreement, examples, fields, onlyA, onlyB, rows, scores } = comparison
  return [
    `A: ${a.name}`,
    `B: ${b.name}`,
    ...table([
      ["", "A", "B"],
      ["rows done", `${a.done}`, `${b.done}`],
      ["rows failed", `${a.failed}`, `${b.failed}`],
      ...(a.pending + b.pending > 0 ? [["rows pending", `${a.pending}`, `${b.pending}`]] : []),
      ...(scores === undefined ? [] : accuracyRows(scores)),
      ["cost", costText(a), costText(b)],
      ...(isZero(a.judgeCost) && isZero(b.judgeCost)
        ? []
        : [["cost of the judge", Dollars.format(a.judgeCost), Dollars.format(b.judgeCost)]]),
      ["latency, median and 95 %", latencyText(a), latencyText(b)]
    ]),
    ...(onlyA + onlyB > 0
      ? [`${rows} rows are compared; ${onlyA} that only A has finished and ${onlyB} that only B has are left out`]
      : []),
    ...(rows === 0
      ? []
      : [
          `same answer on ${agreement.same} of ${rows} rows: ${Evaluation.percent(agreement.same / rows)} (95 % interval ` +
            `${Evaluation.percent(agreement.lower)} to ${Evaluation.percent(agreement.upper)})`
        ]),
    ...(fields.length > 1 ? fields.map(({ name, same }) => `  ${name}: same on ${same} of ${rows}`) : []),
    ...(scores === undefined
      ? []
      : [`B is better on ${scores.bBetter} rows, A on ${scores.aBetter}; ${scores.ties} have equal scores`]),
    ...(examples.length > 0 ? ["rows that differ:", ...examples.map(exampleText)] : []),
    ...(a.emulated === true || b.emulated === true
      ? ["An emulator answered, not Claude: the scores mean nothing."]
      : []),
    Comparison.verdict(comparison)
  ].join("\n")
}

const accuracyRows = ({ a, b }: Comparison.Scores): ReadonlyArray<ReadonlyArray<string>> => {
  const interval = ({ lower, upper }: Evaluation.Accuracy) =>
    `${Evaluation.percent(lower)} to ${Evaluation.percent(upper)}`
  return [
    ["accuracy", Evaluation.percent(a.mean ?? 0), Evaluation.percent(b.mean ?? 0)],
    ["  95 % interval", interval(a), interval(b)]
  ]
}

const costText = ({ cost, unpriced }: Side): string =>
  Dollars.format(cost) + (unpriced > 0 ? ` and ${unpriced} calls without a price` : "")

const isZero = (cost: BigDecimal.BigDecimal): boolean => cost.value === 0n

const latencyText = ({ latency }: Side): string =>
  latency === null ? "–" : `${DurationText.of(latency.p50)}, ${DurationText.of(latency.p95)}`

const table = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)))
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd())
}

const exampleText = ({ a, b, better, expected, key }: Comparison.Example): string => {
  const values = Object.keys({ ...a, ...b }).map((name) => {
    const wanted = name in expected ? `, expected ${short(expected[name])}` : ""
    return `${name}: A ${short(a[name])}, B ${short(b[name])}${wanted}`
  })
  return `  ${key}${better === null ? "" : ` (${better.toUpperCase()} is better)`}: ${values.join("; ")}`
}

const short = (value: Schema.Json | undefined): string => {
  const text = JSON.stringify(value ?? null)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
