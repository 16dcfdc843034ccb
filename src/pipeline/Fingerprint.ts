/**
 * Identifies the rows of an input as the job sees them, without decoding them: the bytes of the input, its name, the code of
 * the key, the structure of the schema, and the keys of every 4,096th row. The code of a function that the key or the
 * schema calls is not in it.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Sha256 from "../claude/Sha256.ts"
import type * as KeyedRow from "./KeyedRow.ts"

/** Rows from one whose key is in the fingerprint to the next. */
const distance = 4096

/** Starts the fingerprint of an input. It takes the pages in their order. */
export const make = <Row>(input: KeyedRow.Input<Row>) => {
  const { key, source } = input
  const hash = Sha256.make()
  const keys: Array<unknown> = [source.name, String(key), source.schema.ast]
  let hasBytes = true
  const add = Effect.fnUntraced(function* ({ first, page, row }: KeyedRow.KeyedPage<Row>) {
    if (page.bytes === undefined) hasBytes = false
    else hash.add(page.bytes)
    if (!hasBytes) return
    for (let ordinal = Math.ceil(first / distance) * distance; ordinal < first + page.size; ordinal += distance) {
      keys.push(Result.match(yield* row(ordinal), { onSuccess: ({ key }) => key, onFailure: () => null }))
    }
  })
  /** The fingerprint of all pages; undefined if a page has none. */
  const end = () => (hasBytes ? `${hash.hex()} ${Sha256.hex(textOf(keys))}` : undefined)
  return { add, end }
}

/** A value as text, the code of its functions included. What repeats is in it once, so cycles end. */
const textOf = (value: unknown): string => {
  const seen = new Set<unknown>()
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "function" || typeof part === "bigint" || part instanceof RegExp) return String(part)
    if (typeof part !== "object" || part === null) return part
    if (seen.has(part)) return "seen"
    seen.add(part)
    return part
  })
}
