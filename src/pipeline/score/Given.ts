/**
 * What a scorer receives and what it returns.
 */
import * as Schema from "effect/Schema"
import type * as Step from "../Step.ts"

/** An answer to score. */
export interface Given<out Output, out Expected> {
  readonly output: Output
  readonly expected: Expected
  /** What the answer is about, for scorers that need it. */
  readonly input?: unknown
}

const facts = { value: Schema.UndefinedOr(Schema.Finite), explanation: Schema.String }

/** How well an answer matches what is expected. */
export const Score = Schema.Struct({
  ...facts,
  /** The scores of the fields, if the answer is scored field by field. */
  fields: Schema.optionalKey(Schema.Record(Schema.String, Schema.Struct(facts)))
})

/** How well an answer matches what is expected: 1 is right, 0 is wrong, and `undefined` says that it cannot be scored. */
export type Score = typeof Score.Type

/** Scores an answer. */
export interface Scorer<in Output, in Expected, out E = never, out R = never> extends Step.Step<
  Given<Output, Expected>,
  Score,
  E,
  R
> {}

/** An answer that cannot be scored. It is not wrong, so it is left out of an accuracy. */
export const unscored = (explanation: string): Score => ({ value: undefined, explanation })

/** A value that a row may lack: nothing, or an empty cell. */
export const isMissing = (expected: unknown): expected is undefined | null | "" =>
  expected === undefined || expected === null || expected === ""

export const noExpectation = unscored("the row has no expected value")
