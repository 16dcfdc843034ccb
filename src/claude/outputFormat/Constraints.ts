/**
 * Writes constraints that the API's subset has no keyword for as phrases for the model, and reads them back. The API does
 * not enforce them. An emulator reads them with `constraintsIn`.
 */
import * as Predicate from "effect/Predicate"
import * as Json from "../Json.ts"

/** Constraints by their names in JSON Schema. */
export interface Constraints {
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly multipleOf?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly pattern?: string
  readonly format?: string
}

/** The parts that a length counts: a text has characters, a list has items, a map has entries. */
export type Unit = "characters" | "items" | "entries"

/** A check of Effect, as data. */
export interface Check {
  readonly id: string
  readonly payload: Readonly<Record<string, unknown>>
}

/** The phrases for a check of Effect; undefined if only Effect's own words exist. */
export const phrasesOf = ({ id, payload }: Check, unit: Unit): ReadonlyArray<string> | undefined => {
  const kind = id.replace("effect/schema/", "")
  switch (kind) {
    case "isPattern":
      return [`matches the regular expression /${String(payload["source"])}/${String(payload["flags"])}`]
    case "isMultipleOf":
      return [`a multiple of ${String(payload["divisor"])}`]
    case "isStringBigInt":
      return ["a whole number in decimal digits"]
    case "isUnique":
      return ["no item twice"]
    case "isStartingWith":
      return [`starts with ${JSON.stringify(payload["startsWith"])}`]
    case "isEndingWith":
      return [`ends with ${JSON.stringify(payload["endsWith"])}`]
    case "isIncluding":
      return [`contains ${JSON.stringify(payload["includes"])}`]
  }
  const size = sizes.find(([pattern]) => pattern.test(kind))
  if (size !== undefined) {
    const [, what] = size
    const least = payload["minimum"] ?? payload[`min${what}`]
    const most = payload["maximum"] ?? payload[`max${what}`]
    const counted = what === "CodePoints" ? "characters" : what === "Properties" ? "entries" : unit
    return [...phrase("at least", least, ` ${counted}`), ...phrase("at most", most, ` ${counted}`)]
  }
  return ranges.test(kind) ? range(payload) : undefined
}

const sizes = [
  [/^is(Min|Max|Between)Length$/, "Length"],
  [/^is(Min|Max|Between)CodePoints$/, "CodePoints"],
  [/^is(Min|Max|Between)Size$/, "Size"],
  [/^is(Min|Max|Between)Properties$/, "Properties"]
] as const

/** Ranges of numbers, dates and bigints. */
const ranges = /^is(GreaterThan|LessThan|Between)(OrEqualTo)?(Date|BigInt)?$/

const range = (payload: Check["payload"]): ReadonlyArray<string> => {
  // `isBetween` marks an exclusive bound with true; the other checks hold the bound itself.
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = payload
  return [
    ...phrase(exclusiveMinimum === true ? "greater than" : "at least", minimum),
    ...phrase("greater than", exclusiveMinimum === true ? undefined : exclusiveMinimum),
    ...phrase(exclusiveMaximum === true ? "less than" : "at most", maximum),
    ...phrase("less than", exclusiveMaximum === true ? undefined : exclusiveMaximum)
  ]
}

const phrase = (words: string, value: unknown, unit = ""): ReadonlyArray<string> =>
  value === undefined ? [] : [`${words} ${String(value)}${value === 1 ? singular(unit) : unit}`]

const singular = (unit: string): string => unit.replace(/ies$/, "y").replace(/s$/, "")

const opening = "Constraints: "

/** Writes the last sentence of a description. Patterns come last, since they may contain any text. */
export const sentence = (phrases: ReadonlyArray<string>): string => {
  const unique = [...new Set(phrases)]
  const patterns = unique.filter(isPattern)
  return `${opening}${[...unique.filter((one) => !isPattern(one)), ...patterns].join("; ")}.`
}

const isPattern = (one: string) => one.startsWith("matches the regular expression ")

/** Splits a description into its text and the phrases of its constraints. */
export const split = (description: string): { readonly text: string; readonly phrases: ReadonlyArray<string> } => {
  const start = description.lastIndexOf(opening)
  if (start === -1) return { text: description, phrases: [] }
  const [head = "", ...patterns] = `; ${description.slice(start + opening.length)}`
    .replace(/\.$/, "")
    .split(/; (?=matches the regular expression \/)/)
  const phrases = [...(head.match(phrasePattern) ?? []), ...patterns]
  return { text: description.slice(0, start).trimEnd(), phrases }
}

/** Everything between two semicolons. A quoted text may contain one. */
const phrasePattern = /(?<=; )(?:(?:starts with|ends with|contains) "(?:[^"\\]|\\.)*"|(?!; )[^])+/g

/** Reads the constraints at the end of a description. Skips phrases that have no name in JSON Schema. */
export const constraintsIn = (description: string): Constraints => {
  const found: Mutable = {}
  for (const one of split(description).phrases) read(one, found)
  return found
}

type Mutable = { -readonly [K in keyof Constraints]: Constraints[K] }

const bound = /^(at least|at most|greater than|less than|a multiple of) (-?\d[\d.e+-]*)(?: (character|item|entr))?/

const read = (one: string, found: Mutable): void => {
  if (isPattern(one)) found.pattern ??= one.slice(one.indexOf("/") + 1, one.lastIndexOf("/"))
  if (one === "no item twice") found.uniqueItems = true
  if (one.startsWith("format: ")) found.format = one.slice("format: ".length)
  const [, side, quoted = ""] = /^(starts with|ends with|contains) (".*")$/.exec(one) ?? []
  const part = Json.parse(quoted)
  if (Predicate.isString(part)) {
    const text = part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
    found.pattern ??= side === "starts with" ? `^${text}` : side === "ends with" ? `${text}$` : text
  }
  const [, words, digits, unit] = bound.exec(one) ?? []
  const value = Number(digits)
  if (!Number.isFinite(value)) return
  if (words === "a multiple of") found.multipleOf = value
  else if (words === "greater than") found.exclusiveMinimum = Math.max(value, found.exclusiveMinimum ?? value)
  else if (words === "less than") found.exclusiveMaximum = Math.min(value, found.exclusiveMaximum ?? value)
  else {
    const part = unit === undefined ? "imum" : unit === "character" ? "Length" : "Items"
    const least = words === "at least"
    const name = `${least ? "min" : "max"}${part}` as const
    found[name] = least ? Math.max(value, found[name] ?? value) : Math.min(value, found[name] ?? value)
  }
}
