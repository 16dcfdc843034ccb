/**
 * Compares an answer with an expected value. Both may be values or text, such as a cell of a CSV file, so the text of a
 * value counts as the value.
 */
import * as Result from "effect/Result"
import type { Score } from "./Given.ts"
import { isMissing, noExpectation, unscored } from "./Given.ts"
import * as Normalize from "./Normalize.ts"

/** Compares one value with another. */
export type Match = (output: unknown, expected: unknown) => Score

const right = (explanation: string): Score => ({ value: 1, explanation })
const wrong = (explanation: string): Score => ({ value: 0, explanation })

/** A value as text: an object or a list as JSON. */
const textOf = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""))

const quoted = (value: unknown): string => {
  const text = textOf(value)
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}

const orUnscored =
  (match: Match): Match =>
  (output, expected) =>
    isMissing(expected) ? noExpectation : match(output, expected)

/** Equal after `Normalize.text`. */
export const exact: Match = orUnscored((output, expected) =>
  Normalize.text(textOf(output)) === Normalize.text(textOf(expected))
    ? right(`equal to ${quoted(expected)}`)
    : wrong(`expected ${quoted(expected)}, not ${quoted(output)}`)
)

/** The expected text occurs in the answer, after `Normalize.text`. */
export const includes: Match = orUnscored((output, expected) =>
  Normalize.text(textOf(output)).includes(Normalize.text(textOf(expected)))
    ? right(`includes ${quoted(expected)}`)
    : wrong(`${quoted(output)} does not include ${quoted(expected)}`)
)

/** The numbers differ by at most `tolerance`, or by the rounding of floats. */
export const numeric = (tolerance: number): Match =>
  orUnscored((output, expected) => {
    const wanted = Normalize.number(textOf(expected))
    if (Result.isFailure(wanted)) return unscored(`the expected value ${quoted(expected)} ${wanted.failure}`)
    const found = Normalize.number(textOf(output))
    if (Result.isFailure(found)) return wrong(`the answer ${quoted(output)} ${found.failure}`)
    const difference = Math.abs(found.success - wanted.success)
    return difference <= tolerance + Math.abs(wanted.success) * 1e-12
      ? right(`${found.success} is within ${tolerance} of ${wanted.success}`)
      : wrong(`expected ${wanted.success}, not ${found.success}`)
  })

const truth: Match = (output, expected) => {
  const wanted = typeof expected === "boolean" ? expected : Normalize.truth(textOf(expected))
  if (wanted === undefined) return unscored(`the expected value ${quoted(expected)} is not true or false`)
  return output === wanted ? right(`equal to ${wanted}`) : wrong(`expected ${wanted}, not ${textOf(output)}`)
}

/** By the type of the answer: numbers as numbers, true and false as such, and anything else as text. */
export const byType: Match = orUnscored((output, expected) =>
  (typeof output === "number" ? numeric(0) : typeof output === "boolean" ? truth : exact)(output, expected)
)
