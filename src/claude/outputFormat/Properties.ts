/**
 * Sends the properties of an object in other forms than their schema has, so that the object counts less against the
 * API's limits.
 */
import * as Predicate from "effect/Predicate"
import type { JsonSchema } from "./JsonSchema.ts"
import * as JsonText from "./JsonText.ts"
import * as Nullable from "./Nullable.ts"
import * as Shape from "./Shape.ts"

/** Sent in place of a missing property: null. In place of null: nothing. In place of any value: its JSON as a text. */
export type Form = "null" | "missing" | "text"

type Fitted = Shape.Mapping & { readonly schema: JsonSchema }

/** An object whose properties have these forms; `inside` fits the schema of a property. */
export const apply = (
  schema: JsonSchema,
  forms: ReadonlyMap<string, Form> | undefined,
  inside: (schema: JsonSchema) => Fitted
): Fitted => {
  const { properties = {}, required = [] } = schema
  const fields = Object.entries(properties).map(([name, one]) => {
    const form = forms?.get(name)
    const isOptional = !required.includes(name)
    return {
      name,
      form,
      isOptional: form === "missing" || (isOptional && form === undefined),
      ...sent(one, form, isOptional, inside)
    }
  })
  const sentSchema: JsonSchema = {
    ...schema,
    properties: Object.fromEntries(fields.map(({ name, node }) => [name, node.schema])),
    required: fields.filter(({ isOptional }) => !isOptional).map(({ name }) => name)
  }
  if (forms === undefined) return { schema: sentSchema, ...Shape.fields(fields) }
  const byName = new Map<string | number, Shape.Mapping>(fields.map(({ name, node }) => [name, node]))
  const part = (key: string | number): Shape.Mapping => byName.get(key) ?? {}

  /** Removes the values that were sent in place of missing properties, and adds the nulls that were sent as missing. */
  const join = (parts: object, isComplete = true): unknown => {
    const isPresent = ([name, one]: readonly [string, unknown]) =>
      one !== undefined && !(one === null && forms.get(name) === "null")
    const missing = fields.filter(({ form, name }) => form === "missing" && isComplete && !Object.hasOwn(parts, name))
    return Object.fromEntries([...Object.entries(parts).filter(isPresent), ...missing.map(({ name }) => [name, null])])
  }
  return {
    schema: sentSchema,
    part,
    join,
    read: (sent) =>
      Predicate.isObject(sent) ? join(mapEntries(sent, (name, one) => Shape.read(part(name), one))) : sent,
    write: (json) => {
      if (!Predicate.isObject(json)) return json
      const stays = ([name, one]: readonly [string, unknown]) => !(one === null && forms.get(name) === "missing")
      const absent = fields.filter(
        ({ form, mayLack, name }) => mayLack && form !== undefined && !Object.hasOwn(json, name)
      )
      const present = Object.fromEntries(Object.entries(json).filter(stays))
      return {
        ...mapEntries(present, (name, one) => Shape.write(part(name), one)),
        ...Object.fromEntries(absent.map(({ form, name }) => [name, form === "null" ? null : ""]))
      }
    }
  }
}

const mapEntries = (value: object, f: (name: string, one: unknown) => unknown): object =>
  Object.fromEntries(Object.entries(value).map(([name, one]) => [name, f(name, one)]))

const sent = (
  schema: JsonSchema,
  form: Form | undefined,
  isOptional: boolean,
  inside: (schema: JsonSchema) => Fitted
) => {
  switch (form) {
    case undefined:
      return { node: inside(schema), mayLack: false }
    case "null": {
      const node = inside(schema)
      return { node: { ...node, schema: Nullable.of(node.schema) }, mayLack: isOptional }
    }
    case "missing":
      return { node: inside(Nullable.without(schema)), mayLack: false }
    case "text": {
      const node = JsonText.of(schema, isOptional ? ["an empty text where there is no value"] : [])
      return { node: isOptional ? orEmpty(node) : node, mayLack: isOptional }
    }
  }
}

/** Reads an empty text as no value. */
const orEmpty = (node: Fitted): Fitted => ({
  ...node,
  read: (sent) => (sent === "" ? undefined : Shape.read(node, sent))
})
