/**
 * The result of scoring a run: the accuracy with its interval, the accuracy of each field, and for fields with few values a
 * confusion matrix. It is counted from the lines of the output. Rows that failed have no line, so they are not in it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Score from "./Score.ts"
import * as ScoredLine from "./ScoredLine.ts"
import * as Statistics from "./Statistics.ts"

/** A mean of scores with its 95 % interval. */
export const Accuracy = Schema.Struct({
  /** 0 to 1; null where no row is scored. */
  mean: Schema.NullOr(Schema.Finite),
  lower: Schema.Finite,
  upper: Schema.Finite,
  scored: Schema.Int,
  /** Rows that cannot be scored. They do not count as wrong. */
  unscored: Schema.Int
})
export type Accuracy = typeof Accuracy.Type

/** How often each answer was given for each expected value. */
export const Confusion = Schema.Struct({
  labels: Schema.Array(Schema.String),
  /** A row for each expected value, with a count for each answer, both in the order of `labels`. */
  counts: Schema.Array(Schema.Array(Schema.Int))
})
export type Confusion = typeof Confusion.Type

/** The accuracy of one field. */
export const Field = Schema.Struct({
  name: Schema.String,
  accuracy: Accuracy,
  /** Only for fields with 2 to 12 values. */
  confusion: Schema.optionalKey(Confusion)
})
export type Field = typeof Field.Type

/** The scores of all rows. */
export const Evaluation = Schema.Struct({ accuracy: Accuracy, fields: Schema.Array(Field) })
export type Evaluation = typeof Evaluation.Type

/** Counts lines one by one. `result` is undefined if no line has scores. */
export interface Counter {
  readonly add: (line: ScoredLine.ScoredLine) => void
  readonly result: () => Evaluation | undefined
}

/** Starts without a line. */
export const counter = (): Counter => {
  const whole = tally()
  const fields = new Map<string, FieldCounter>()
  let isScored = false
  return {
    add: (line) => {
      if (!line.isScored) return
      isScored = true
      whole.add(line.score)
      for (const field of line.fields) {
        const counter = fields.get(field.name) ?? fieldCounter()
        fields.set(field.name, counter)
        counter.add(field)
      }
    },
    result: () =>
      isScored
        ? { accuracy: whole.result(), fields: Array.from(fields, ([name, field]) => ({ name, ...field.result() })) }
        : undefined
  }
}

/** The evaluation of outputs; undefined, after one line, if they are not scored. */
export const ofOutputs = <E, R>(outputs: Stream.Stream<string, E, R>): Effect.Effect<Evaluation | undefined, E, R> =>
  Effect.suspend(() => {
    const counts = counter()
    return outputs.pipe(
      Stream.map((line) => ScoredLine.parse(line)),
      Stream.takeWhile(({ isScored }) => isScored),
      Stream.runForEach((line) => Effect.sync(() => counts.add(line))),
      Effect.map(counts.result)
    )
  })

/** A mean of scores. */
export const tally = () => {
  let sum = 0
  let scored = 0
  let unscored = 0
  return {
    add: (score: number | undefined) => {
      if (score === undefined) unscored += 1
      else {
        scored += 1
        sum += score
      }
    },
    result: (): Accuracy => ({
      mean: scored === 0 ? null : sum / scored,
      ...Statistics.wilson(sum, scored),
      scored,
      unscored
    })
  }
}

type FieldCounter = ReturnType<typeof fieldCounter>

const maxLabels = 12
const maxLabel = 40

const fieldCounter = () => {
  const accuracy = tally()
  /** Undefined once a value is no label. */
  let counts: Map<string, Map<string, number>> | undefined = new Map()
  const labels = new Set<string>()
  return {
    add: ({ answer, expected, score }: ScoredLine.ScoredField) => {
      accuracy.add(score)
      if (counts === undefined || score === undefined) return
      const [row, column] = [labelOf(expected), labelOf(answer)]
      labels.add(row).add(column)
      if (labels.size > maxLabels || row.length > maxLabel || column.length > maxLabel) {
        counts = undefined
        return
      }
      const answers = counts.get(row) ?? new Map<string, number>()
      counts.set(row, answers.set(column, (answers.get(column) ?? 0) + 1))
    },
    result: (): Omit<Field, "name"> => {
      if (counts === undefined || labels.size < 2) return { accuracy: accuracy.result() }
      const sorted = [...labels].toSorted()
      const table = sorted.map((row) => sorted.map((column) => counts?.get(row)?.get(column) ?? 0))
      return { accuracy: accuracy.result(), confusion: { labels: sorted, counts: table } }
    }
  }
}

/** Values that a scorer takes as equal have one label. */
const labelOf = (value: unknown): string =>
  Score.normalize(typeof value === "string" ? value : (JSON.stringify(value) ?? ""))

/** A share in percent, such as `93.4 %`. */
export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

const accuracyText = ({ lower, mean, scored, unscored, upper }: Accuracy): string =>
  (mean === null
    ? "no row can be scored"
    : `${percent(mean)} (95 % interval ${percent(lower)} to ${percent(upper)}, ${scored} rows)`) +
  (unscored > 0 ? `; ${unscored} unscored` : "")

/** The evaluation for people. */
export const toText = ({ accuracy, fields }: Evaluation): string =>
  [
    `accuracy: ${accuracyText(accuracy)}`,
    ...(fields.length > 1 ? fields.map((field) => `  ${field.name}: ${accuracyText(field.accuracy)}`) : []),
    ...fields.flatMap(({ confusion, name }) => (confusion === undefined ? [] : confusionLines(name, confusion)))
  ].join("\n")

const confusionLines = (name: string, { counts, labels }: Confusion): ReadonlyArray<string> => {
  const corner = `${name}: expected ↓ answer →`
  const widths = labels.map((label, index) =>
    Math.max(label.length, ...counts.map((row) => String(row[index] ?? 0).length))
  )
  const first = Math.max(corner.length, ...labels.map((label) => label.length))
  const line = (head: string, cells: ReadonlyArray<string | number>) =>
    `  ${head.padEnd(first)}  ${cells.map((cell, index) => String(cell).padStart(widths[index] ?? 0)).join("  ")}`
  return [line(corner, labels), ...labels.map((label, index) => line(label, counts[index] ?? []))]
}
