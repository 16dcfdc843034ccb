/**
 * A part of an answer that still arrives: how to read it, and whether to show it before it is complete. A cut text is only
 * shorter, but a cut date, literal or duration is another value or none, so such a part is shown when it is complete.
 */
import * as Predicate from "effect/Predicate"
import type { JsonSchema } from "./JsonSchema.ts"
import * as Shape from "./Shape.ts"

export interface Part {
  /** Whether the part is shown only when it is complete. */
  readonly isWhole: boolean
  /** Whether a text in this place is shown only when it is complete. */
  readonly isWord: boolean
  /** Reads the complete part. */
  readonly read: (sent: unknown) => unknown
  /** Reads an object or a list whose parts have been read; undefined if there is nothing to show yet. */
  readonly join: ((parts: object, isComplete: boolean) => unknown) | undefined
  /** The part under a key, or an item of a list. */
  readonly at: (key: string | number) => Part
}

/** The part with this mapping; `schemas` are the alternatives that it was sent with. */
export const of = (mapping: Shape.Mapping, schemas: ReadonlyArray<JsonSchema>): Part => {
  const flat = schemas.flatMap(alternatives)
  const isWhole = mapping.read !== undefined && mapping.part === undefined
  const parts = new Map<string, Part>()
  let item: Part | undefined

  /** The names of unknown keys come from the answer, so they are not kept. */
  const inner = (key: string | number, within: ReadonlyArray<JsonSchema | undefined>): Part | undefined => {
    const known = mapping.part?.(key)
    const sent = within.filter(Predicate.isNotUndefined)
    return known === undefined && sent.length === 0 ? undefined : of(known ?? {}, sent)
  }
  return {
    isWhole,
    isWord: isWhole || flat.some((one) => [one.const, one.enum, one.format].some((word) => word !== undefined)),
    read: (sent) => Shape.read(mapping, sent),
    join: mapping.join,
    at: (key) => {
      if (typeof key === "number")
        return (item ??=
          inner(
            key,
            flat.map(({ items }) => items)
          ) ?? unknown)
      const known = parts.get(key)
      if (known !== undefined) return known
      const part = inner(
        key,
        flat.map(({ properties }) => properties?.[key])
      )
      if (part !== undefined) parts.set(key, part)
      return part ?? unknown
    }
  }
}

const unknown: Part = { isWhole: false, isWord: false, read: (sent) => sent, join: undefined, at: () => unknown }

const alternatives = (schema: JsonSchema): ReadonlyArray<JsonSchema> =>
  schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(alternatives)
