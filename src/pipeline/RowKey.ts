/**
 * The key of a row: which strings can be one, how messages show it, and a key for rows that have none.
 */
import * as Predicate from "effect/Predicate"
import * as Sha256 from "../claude/Sha256.ts"

/**
 * A hash of the whole row, for rows that no column identifies. An edited row is another row then, and two equal rows are
 * one too many. The order of the columns does not matter.
 */
export const ofContent = (row: unknown): string => Sha256.hex(JSON.stringify(sorted(row))).slice(0, hashLength)

/** 80 bits: among 10,000,000 rows, the chance that two have the same hash is one in 24 billion. */
const hashLength = 20

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (Predicate.isBigInt(value)) return String(value)
  if (!Predicate.isObject(value)) return value
  const names = Object.keys(value).toSorted()
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]))
}

/** Why a value cannot be a key, and what to do; `undefined` where it can. No database stores these strings unchanged. */
export const problemOf = (key: unknown): string | undefined => {
  if (!Predicate.isString(key)) return `its key must be a string, got ${nameOf(key)}; return a string, as String(id)`
  if (!key.isWellFormed()) return "its key has half a character (a lone surrogate); remove it"
  return key.includes("\u0000") ? "its key has the character U+0000; remove it" : undefined
}

const nameOf = (value: unknown) => (Predicate.isObjectOrArray(value) ? "an object" : String(value))

/** A key as messages show it: control characters are escaped, and a long key is shortened. */
export const show = (key: string): string => {
  const escaped = key.replace(/[\p{Cc}\u2028\u2029]/gu, escape)
  return escaped.length > maxShown ? `${escaped.slice(0, maxShown - 1)}…` : escaped
}

const maxShown = 80

const escape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
