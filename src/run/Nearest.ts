/**
 * Finds the names that someone may have meant who wrote another one.
 */

/** The names in quotes, the nearest first. */
export const named = (wanted: string, names: ReadonlyArray<string>): string =>
  names
    .toSorted((one, other) => distance(one, wanted) - distance(other, wanted))
    .slice(0, maxNamed)
    .map((name) => `"${name}"`)
    .join(", ")

const maxNamed = 5

/** The number of letters to insert, remove or replace to make one name of another (Levenshtein). */
const distance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1]
    for (const [index, wanted] of [...other].entries()) {
      const replaced = (row[index] ?? 0) + Number(letter !== wanted)
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
