/**
 * Whether JSON has the shape of a schema of the API's subset. Formats are not checked.
 */
import * as Predicate from "effect/Predicate"
import type { JsonSchema } from "./JsonSchema.ts"

export const matches = (schema: JsonSchema, json: unknown): boolean => {
  const { anyOf, const: constant, enum: values, items = {}, properties = {}, required = [], type } = schema
  if (anyOf !== undefined) return anyOf.some((one) => matches(one, json))
  if (values !== undefined) return values.some((one) => one === json)
  if (constant !== undefined) return constant === json
  switch (type) {
    case "object":
      return (
        Predicate.isObject(json) &&
        required.every((name) => Object.hasOwn(json, name)) &&
        Object.entries(json).every(([name, one]) => {
          // A key such as `constructor` is no property of the schema.
          const property = Object.hasOwn(properties, name) ? properties[name] : undefined
          return property !== undefined && matches(property, one)
        })
      )
    case "array":
      return Array.isArray(json) && json.every((one) => matches(items, one))
    case "null":
      return json === null
    case "integer":
      return Number.isInteger(json)
    case undefined:
      return true
    default:
      return typeof json === type
  }
}
