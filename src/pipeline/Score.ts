/**
 * Scores answers against what is expected. A scorer is a step from an answer to a score, so your own is `Step.make`. `of`
 * scores the answers of another step, and `accuracy` counts the scores of many rows. A row that cannot be scored, and a row
 * that failed, is counted apart: it never counts as wrong.
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Given, Score, Scorer } from "./score/Given.ts"
import { unscored } from "./score/Given.ts"
import * as Match from "./score/Match.ts"
import * as Statistics from "./Statistics.ts"
import * as Step from "./Step.ts"

export { type Given, Score, type Scorer } from "./score/Given.ts"
export { judge, judgeStep, type Pair, prefer, type Preference } from "./score/Judge.ts"
export { text as normalize } from "./score/Normalize.ts"

const matching = (name: string, match: Match.Match): Scorer<unknown, unknown> =>
  Step.make(name, ({ expected, output }) => Effect.sync(() => match(output, expected)))

/**
 * 1 if the answer equals the expected value as text, without regard to case, white space, and the quotes and closing
 * punctuation around it.
 */
export const exact: Scorer<unknown, unknown> = matching("exact", Match.exact)

/** 1 if the expected text occurs in the answer, read as `exact` reads it. It may be a part of a longer word. */
export const includes: Scorer<unknown, unknown> = matching("includes", Match.includes)

/**
 * 1 if the last number of the answer is within `tolerance` of the expected one. `1,250.50` has commas between thousands;
 * signs of currency and percent do not count, so `60 %` is 60.
 */
export const numeric = (options: { readonly tolerance: number }): Scorer<unknown, unknown> =>
  matching("numeric", Match.numeric(options.tolerance))

/**
 * Scores each field that the expected record has, by its type in `schema`: numbers as numbers, true and false as such, and
 * anything else as `exact` does. The value is the share of fields that are right. Expected values are in the JSON form of
 * the schema, or in text, as in a CSV file.
 */
export const fields = <A>(
  schema: Schema.ConstraintCodec<A, unknown>
): Scorer<A, { readonly [K in keyof A]?: unknown }, Schema.SchemaError> => {
  const encode = Schema.encodeEffect(Schema.toCodecJson(schema))
  return Step.make("fields", ({ expected, output }) =>
    Effect.map(encode(output), (encoded: unknown) => {
      const record = Predicate.isObject(encoded) ? encoded : {}
      return ofFields(Record.map({ ...expected }, (value, name) => Match.byType(record[name], value)))
    })
  )
}

/** Scores each field that the expected record has with one scorer. The value is the mean of the fields. */
export const byField = <E, R>(
  scorer: Scorer<unknown, unknown, E, R>
): Scorer<unknown, { readonly [field: string]: unknown }, E, R> =>
  Step.make("fields", ({ expected, output }) => {
    const record = Predicate.isObject(output) ? output : {}
    return Effect.map(
      Effect.forEach(Object.entries(expected), ([name, expected]) =>
        Effect.map(scorer({ output: record[name], expected }), (score) => [name, score] as const)
      ),
      (scores) => ofFields(Object.fromEntries(scores))
    )
  })

/** One score for all fields: the mean of the ones that can be scored. */
const ofFields = (scores: Readonly<Record<string, Score>>): Score => {
  const values = Object.values(scores).flatMap(({ value }) => (value === undefined ? [] : [value]))
  if (values.length === 0) return { ...unscored("no field can be scored"), fields: scores }
  const wrong = Object.entries(scores).flatMap(([name, { explanation, value }]) =>
    value === undefined || value === 1 ? [] : [`${name}: ${explanation}`]
  )
  const value = values.reduce((sum, value) => sum + value, 0) / values.length
  return { value, explanation: wrong.length === 0 ? "all fields are right" : wrong.join("; "), fields: scores }
}

/** An answer with its score. */
export interface Scored<out B> {
  readonly output: B
  readonly score: Score
}

/**
 * Scores the answers of a step. `expected` gives the expected value of an input. The calls of the step keep their place, so
 * a job that gets a scorer pays nothing again for its answers.
 */
export const of: {
  <A, B, Expected, E2, R2>(
    scorer: Scorer<B, Expected, E2, R2>,
    expected: (input: A) => Expected
  ): <A2, B2 extends B, E, R>(self: Step.Step<A2, B2, E, R>) => Step.Step<A & A2, Scored<B2>, E | E2, R | R2>
  <A, B, E, R, Expected, E2, R2>(
    self: Step.Step<A, B, E, R>,
    scorer: Scorer<B, Expected, E2, R2>,
    expected: (input: A) => Expected
  ): Step.Step<A, Scored<B>, E | E2, R | R2>
} = dual(
  3,
  <A, B, E, R, Expected, E2, R2>(
    self: Step.Step<A, B, E, R>,
    scorer: Scorer<B, Expected, E2, R2>,
    expected: (input: A) => Expected
  ): Step.Step<A, Scored<B>, E | E2, R | R2> =>
    Step.withInput(self).pipe(
      Step.map(({ input, output }): Given<B, Expected> => ({ input, output, expected: expected(input) })),
      Step.andThen(Step.withInput(scorer)),
      Step.map(({ input: { output }, output: score }) => ({ output, score }))
    )
)

/** The mean of scores, with its 95 % interval, and the rows that it does not cover. */
export interface Accuracy extends Statistics.Interval {
  /** 0 to 1; not a number where no row is scored. */
  readonly mean: number
  readonly scored: number
  readonly unscored: number
  readonly failed: number
}

/** The accuracy of the results of `Batch.map`. In a test, assert its `lower` bound. */
export const accuracy = (results: Iterable<Result.Result<Scored<unknown>, unknown>>): Accuracy => {
  let sum = 0
  let scored = 0
  let unscored = 0
  let failed = 0
  for (const result of results) {
    if (Result.isFailure(result)) failed += 1
    else if (result.success.score.value === undefined) unscored += 1
    else {
      scored += 1
      sum += result.success.score.value
    }
  }
  return { mean: sum / scored, ...Statistics.wilson(sum, scored), scored, unscored, failed }
}
