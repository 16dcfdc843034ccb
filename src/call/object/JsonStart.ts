/**
 * Finds the JSON in a text that arrives in pieces. Prose or a fence before it is skipped, as `Repair` does.
 */

export interface JsonStart {
  /** The JSON in a piece: all text from the first bracket of the value; an empty text before it. */
  readonly take: (text: string) => string
  /** Whether text other than white space came before the JSON. */
  readonly hasProse: () => boolean
}

/** A new search. */
export const make = (): JsonStart => {
  let isFound = false
  let hasProse = false
  // A list counts if an object follows its bracket, which may arrive later.
  let bracket = ""
  return {
    take: (text) => {
      if (isFound) return text
      const waiting = bracket + text
      const at = waiting.search(/\{|\[\s*\{/)
      isFound = at !== -1
      bracket = isFound ? "" : (/\[\s*$/.exec(waiting)?.[0] ?? "")
      const before = waiting.slice(0, isFound ? at : waiting.length - bracket.length)
      hasProse ||= before.trim() !== ""
      return isFound ? waiting.slice(at) : ""
    },
    hasProse: () => hasProse
  }
}
