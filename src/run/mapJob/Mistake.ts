/**
 * A mistake in a text of the command line, such as a prompt: what is wrong, and where.
 */

/** `at` counts characters from 0. */
export interface Mistake {
  readonly at: number
  /** What is wrong, and what to write. */
  readonly detail: string
}

/** The mistake, and below it the line of the text with a mark under the place. */
export const toText = (name: string, text: string, { at, detail }: Mistake): string => {
  const before = text.slice(0, at).split("\n")
  const column = before.at(-1)?.length ?? 0
  const line = text.split("\n")[before.length - 1] ?? ""
  const start = Math.max(0, column - around)
  const excerpt = line.slice(start, column + around).replaceAll("\t", " ")
  const place = text.includes("\n") ? ` line ${before.length}` : ""
  return `${name}${place}: ${detail}\n  ${excerpt}\n  ${" ".repeat(column - start)}^`
}

/** The number of characters to show on each side. */
const around = 50
