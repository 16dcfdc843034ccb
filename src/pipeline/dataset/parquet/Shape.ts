/**
 * The type that all values of a column have, found by looking at them: the narrowest type of Parquet that holds them all.
 * Values of several kinds are JSON texts, and so are objects with very many fields.
 */
import type { SchemaElement } from "hyparquet-writer"
import * as Predicate from "effect/Predicate"

/** The values seen so far. Only a schema gives `date` and `timestamp`. */
export type Shape =
  | { readonly _tag: "date" | "timestamp" }
  | { readonly _tag: "nothing" | "boolean" | "integer" | "number" | "text" | "json" }
  | { readonly _tag: "list"; readonly of: Shape }
  | { readonly _tag: "struct"; readonly fields: ReadonlyMap<string, Shape> }

/** No value, or only null. */
export const nothing: Shape = { _tag: "nothing" }

const json: Shape = { _tag: "json" }

/** Objects with more fields are JSON. */
export const mostFields = 100

/** The shape with one more value of JSON. It is the same object if the value does not change it. */
export const add = (shape: Shape, value: unknown): Shape => {
  if (value === null || value === undefined || shape._tag === "json") return shape
  if (Array.isArray(value)) {
    if (shape._tag !== "list" && shape !== nothing) return json
    const before = shape._tag === "list" ? shape.of : nothing
    const after = value.reduce(add, before)
    return shape._tag === "list" && after === before ? shape : { _tag: "list", of: after }
  }
  if (Predicate.isObject(value)) return addFields(shape, Object.entries(value))
  return join(shape, scalars[typeof value] ?? json, value)
}

const scalars: Readonly<Record<string, Shape>> = {
  boolean: { _tag: "boolean" },
  number: { _tag: "number" },
  string: { _tag: "text" }
}

const integer: Shape = { _tag: "integer" }

const join = (shape: Shape, next: Shape, value: unknown): Shape => {
  if (next._tag !== "number") return shape === nothing || shape._tag === next._tag ? next : json
  const now = Number.isSafeInteger(value) ? integer : next
  if (shape === nothing || shape._tag === now._tag) return now
  return shape._tag === "integer" || shape._tag === "number" ? next : json
}

/** An object without fields is JSON: Parquet has no such struct. */
const addFields = (shape: Shape, entries: ReadonlyArray<[string, unknown]>): Shape => {
  if ((shape._tag !== "struct" && shape !== nothing) || entries.length === 0) return json
  const before: ReadonlyMap<string, Shape> = shape._tag === "struct" ? shape.fields : new Map<string, Shape>()
  let after: Map<string, Shape> | undefined
  for (const [name, value] of entries) {
    const known = before.get(name)
    const next = add(known ?? nothing, value)
    if (known === next) continue
    after ??= new Map(before)
    after.set(name, next)
  }
  if (after === undefined) return shape
  return after.size > mostFields ? json : { _tag: "struct", fields: after }
}

/** The elements of a schema for a column of this shape. A column may be null. */
export const elements = (name: string, shape: Shape): ReadonlyArray<SchemaElement> => {
  const element = { name, repetition_type: "OPTIONAL" } as const
  switch (shape._tag) {
    case "boolean":
      return [{ ...element, type: "BOOLEAN" }]
    case "integer":
      return [{ ...element, type: "INT64" }]
    case "number":
      return [{ ...element, type: "DOUBLE" }]
    case "list":
      return [
        { ...element, num_children: 1, converted_type: "LIST", logical_type: { type: "LIST" } },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        ...elements("element", shape.of)
      ]
    case "struct": {
      const children = Array.from(shape.fields, ([field, each]) => elements(field, each))
      return [{ ...element, num_children: children.length }, ...children.flat()]
    }
    case "date":
      return [{ ...element, type: "INT32", converted_type: "DATE", logical_type: { type: "DATE" } }]
    case "timestamp":
      return [{ ...element, type: "INT64", logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" } }]
    case "json":
      return [{ ...element, type: "BYTE_ARRAY", converted_type: "JSON", logical_type: { type: "JSON" } }]
    default:
      return [{ ...element, type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } }]
  }
}
