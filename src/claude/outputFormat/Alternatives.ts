/**
 * Single values and unions in the API's subset. The API limits the number of unions (`anyOf`) and does not count an
 * `enum`, so unions of single values become an `enum`.
 */
import * as Predicate from "effect/Predicate"
import type * as SchemaAST from "effect/SchemaAST"
import type { JsonSchema, Scalar } from "./JsonSchema.ts"

/** One value. */
export const literal = (value: SchemaAST.LiteralValue): JsonSchema =>
  scalars([Predicate.isBigInt(value) ? String(value) : value])

/** The values of an enum. Its numbers get their names in words. */
export const enumeration = ({ enums }: SchemaAST.Enum) => {
  const names = enums.flatMap(([name, value]) => (Predicate.isNumber(value) ? [`${value} means ${name}`] : []))
  return { schema: scalars(enums.map(([, value]) => value)), notes: names }
}

/** One of several values, with their type if they share one. */
const scalars = (values: ReadonlyArray<Scalar>): JsonSchema => {
  const types = new Set(values.map(typeOf))
  const [type] =
    types.size === 1
      ? types
      : types.has("number") && types.size === 2 && types.has("integer")
        ? ["number" as const]
        : []
  const [value] = values
  const typed = type === undefined ? {} : { type }
  return values.length === 1 && value !== undefined ? { ...typed, const: value } : { ...typed, enum: values }
}

const typeOf = (value: Scalar): NonNullable<JsonSchema["type"]> =>
  value === null
    ? "null"
    : typeof value === "number"
      ? Number.isInteger(value)
        ? "integer"
        : "number"
      : (typeof value as "string" | "boolean")

/** The values that a schema lists; undefined if it lists no values. */
const listed = (schema: JsonSchema): ReadonlyArray<Scalar> | undefined => {
  if (schema.enum !== undefined) return schema.enum
  return schema.const === undefined ? undefined : [schema.const]
}

/** Merges the members of a union: single values into one `enum`, nested unions into one `anyOf`, without duplicates. */
export const merge = (
  members: ReadonlyArray<JsonSchema>
): { readonly schema: JsonSchema; readonly notes: ReadonlyArray<string> } => {
  const flat = members.flatMap((member) =>
    member.anyOf === undefined || member.description !== undefined ? [member] : member.anyOf
  )
  const values = flat.flatMap((member) => listed(member) ?? [])
  const nullable = flat.some(({ type }) => type === "null") && values.length > 0
  const notes = flat.flatMap((member) => {
    const [value] = listed(member) ?? []
    return member.description === undefined || value === undefined
      ? []
      : [`${JSON.stringify(value)}: ${member.description}`]
  })
  const others = flat.filter((member) => listed(member) === undefined && !(nullable && member.type === "null"))
  const all = [
    ...(values.length === 0 ? [] : [scalars([...new Set([...values, ...(nullable ? [null] : [])])])]),
    ...others
  ]
  const distinct = [...new Map(all.map((one) => [JSON.stringify(one), one])).values()]
  const [only] = distinct
  return { schema: distinct.length === 1 && only !== undefined ? only : { anyOf: distinct }, notes }
}
