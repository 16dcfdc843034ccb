/**
 * The columns that a scored result has besides its fields: the expected values, the score, and with several fields the score
 * of each. An evaluation needs the lines of the output only, so that scores can be counted again without the input.
 */
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import type { Score } from "./Score.ts"

const scoreColumn = "score"
const explanationColumn = "explanation"
const expectedPrefix = "expected_"
const scorePrefix = "score_"

/** The column with the expected value of a field. */
const expectedColumn = (field: string): string => `${expectedPrefix}${field}`

/** Whether a model has scored the line: it has an explanation then, and one score for all fields. */
interface Options {
  readonly judged: boolean
}

/** The columns for the scores of these fields, as fields of the schema of a result. */
export const columns = (
  fields: ReadonlyArray<string>,
  { judged }: Options
): Readonly<Record<string, Schema.Codec<unknown>>> => ({
  ...Record.fromEntries(fields.map((field) => [expectedColumn(field), Schema.NullOr(Schema.String)])),
  ...(fields.length > 1 &&
    !judged &&
    Record.fromEntries(fields.map((field) => [scorePrefix + field, Schema.NullOr(Schema.Finite)]))),
  [scoreColumn]: Schema.NullOr(Schema.Finite),
  ...(judged && { [explanationColumn]: Schema.String })
})

/** The values of these columns. */
export const values = (
  expected: Readonly<Record<string, string>>,
  score: Score,
  { judged }: Options
): Readonly<Record<string, string | number | null>> => ({
  ...Record.mapEntries(expected, (value, field) => [expectedColumn(field), value === "" ? null : value]),
  ...(Object.keys(expected).length > 1 &&
    !judged &&
    Record.mapEntries(expected, (_, field) => [scorePrefix + field, score.fields?.[field]?.value ?? null])),
  [scoreColumn]: score.value ?? null,
  ...(judged && { [explanationColumn]: score.explanation })
})

/** A field with its expected value. */
export interface ScoredField {
  readonly name: string
  readonly expected: unknown
  readonly answer: unknown
  /** `undefined` if the field is unscored. */
  readonly score: number | undefined
}

/** A line of an output. */
export interface ScoredLine {
  readonly key: string
  readonly isScored: boolean
  /** `undefined` if the row is unscored. */
  readonly score: number | undefined
  readonly fields: ReadonlyArray<ScoredField>
  /** The fields of the result; where they are not known, the input columns too. */
  readonly values: ReadonlyMap<string, unknown>
}

/** Reads a line. A line without scores is one, too. `results` are the fields of the results, if they are known. */
export const read = (line: Readonly<Record<string, unknown>>, results?: ReadonlySet<string>): ScoredLine => {
  const names = Object.keys(line).flatMap((name) => {
    const field = name.startsWith(expectedPrefix) ? name.slice(expectedPrefix.length) : ""
    return field in line ? [field] : []
  })
  const isScored = scoreColumn in line && (names.length > 0 || explanationColumn in line)
  const own = new Set(
    isScored
      ? [scoreColumn, explanationColumn, ...names.flatMap((name) => [expectedPrefix + name, scorePrefix + name])]
      : []
  )
  const numberAt = (name: string) => (Predicate.isNumber(line[name]) ? line[name] : undefined)
  const score = numberAt(scoreColumn)
  return {
    key: String(line["key"]),
    isScored,
    score: isScored ? score : undefined,
    fields: names.map((name) => ({
      name,
      expected: line[expectedPrefix + name],
      answer: line[name],
      // A judge has one score for all fields.
      score: scorePrefix + name in line ? numberAt(scorePrefix + name) : score
    })),
    values: new Map(
      Object.entries(line).filter(([name]) => name !== "key" && !own.has(name) && results?.has(name) !== false)
    )
  }
}

/** Reads the text of a line. A journal has only lines that it wrote itself. */
export const parse = (text: string, results?: ReadonlySet<string>): ScoredLine => read(decode(text), results)

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))
