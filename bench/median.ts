/**
 * The figure of several rounds.
 */

/** The middle one of the sorted numbers; `NaN` without any. */
export const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN
