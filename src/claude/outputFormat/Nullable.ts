/**
 * Schemas that accept null, in the API's subset. A union with null counts against the API's limit; an `enum` with null
 * does not.
 */
import type { JsonSchema } from "./JsonSchema.ts"
import * as JsonText from "./JsonText.ts"

/** Whether null can stand for a missing value: the schema accepts no null, and no text that stands for null. */
export const canBe = (schema: JsonSchema): boolean => {
  const { anyOf, const: constant, description = "", enum: values, type } = schema
  if (anyOf !== undefined) return anyOf.every(canBe)
  return type !== "null" && constant !== null && !values?.includes(null) && !JsonText.isIn(description)
}

/** Whether the schema is a union of null and one other schema. */
export const is = ({ anyOf = [] }: JsonSchema): boolean => anyOf.length === 2 && anyOf.filter(isNull).length === 1

/** Whether null can be added without one more union. */
export const isFree = (schema: JsonSchema): boolean =>
  [schema.anyOf, schema.enum, schema.const].some((words) => words !== undefined)

/** The schema, or null. */
export const of = (schema: JsonSchema): JsonSchema => {
  const { anyOf, const: constant, enum: values, type: _, ...rest } = schema
  if (anyOf !== undefined) return { ...schema, anyOf: [...anyOf, { type: "null" }] }
  if (values !== undefined) return { ...rest, enum: [...values, null] }
  if (constant !== undefined) return { ...rest, enum: [constant, null] }
  return { anyOf: [schema, { type: "null", description: "there is no value" }] }
}

/** The schema without null, which must be a union with null. */
export const without = (schema: JsonSchema): JsonSchema => {
  const inner = schema.anyOf?.find((one) => !isNull(one)) ?? schema
  const description = [schema.description, inner.description].filter((words) => words !== undefined).join(" ")
  return description === "" ? inner : { ...inner, description }
}

const isNull = ({ type }: JsonSchema): boolean => type === "null"
