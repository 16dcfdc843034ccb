/**
 * The schema of the fields of `--fields`. What the API can enforce is in the schema that it gets: a short range of whole
 * numbers is the list of its numbers.
 */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Field, Type } from "./Fields.ts"

/** A schema whose values are JSON. */
export type JsonCodec = Schema.Codec<unknown>

/** The schema of results with these fields. */
export const make = (fields: ReadonlyArray<Field>): JsonCodec =>
  Schema.Struct(Object.fromEntries(fields.map((field) => [field.name, schemaOf(field)])))

const schemaOf = ({ description, isNullable, lists, type }: Field): JsonCodec => {
  let schema = valueOf(type)
  for (let depth = 0; depth < lists; depth += 1) schema = Schema.Array(schema)
  if (isNullable) schema = Schema.NullOr(schema)
  return description === undefined ? schema : schema.annotate({ description })
}

const valueOf = (type: Type): JsonCodec => {
  if (type._tag === "Word") return named[type.word]
  if (type._tag === "Choice") return Schema.Literals(type.values)
  const { isWhole, maximum, minimum } = type
  if (isWhole && maximum - minimum < maxListed) return Schema.Literals(Arr.range(minimum, maximum))
  return (isWhole ? Schema.Int : Schema.Finite).check(Schema.isBetween({ minimum, maximum }))
}

/** A range of more numbers is in words, since its list would cost tokens in every call. */
const maxListed = 21

/** Whether a text is a day that exists, as in 2026-11-28. */
const isDay = (text: string): boolean =>
  Option.exists(DateTime.make(text), (day) => DateTime.formatIsoDateUtc(day) === text)

const named: Readonly<Record<Extract<Type, { readonly _tag: "Word" }>["word"], JsonCodec>> = {
  string: Schema.String,
  number: Schema.Finite,
  integer: Schema.Int,
  boolean: Schema.Boolean,
  date: Schema.String.annotate({ format: "date" }).check(
    Schema.makeFilter(isDay, { expected: "a day that exists, as in 2026-11-28" })
  )
}
