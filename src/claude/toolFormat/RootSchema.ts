/**
 * Gives the schema of a tool the root that the API requires: an object, without a reference, `anyOf`, `oneOf` or `allOf`, and
 * with keys of letters, digits, `_`, `.` and `-`. Only the root is changed; the API takes any schema below it. Pure.
 */
import * as Predicate from "effect/Predicate"

type Json = Readonly<Record<string, unknown>>

/** The schema to send, and a function that gives the arguments of a call their own keys again. */
export interface RootSchema {
  readonly schema: Json
  readonly restore: (input: unknown) => unknown
}

/** The same schema with the root that the API requires. */
export const make = (schema: object): RootSchema => {
  const root: Json = { ...schema }
  const object = flat(root, { root, known: new Map() })
  return withKeys("type" in object ? object : { type: "object", ...object })
}

/** The whole schema, and what its references name. */
interface Definitions {
  readonly root: Json
  readonly known: Map<string, Json>
}

/** Replaces a reference, and folds combined schemas into their object. */
const flat = (schema: Json, definitions: Definitions): Json => {
  const { $ref: ref, ...beside } = schema
  const target = Predicate.isString(ref) ? resolve(ref, definitions) : undefined
  const { allOf, anyOf, oneOf, ...rest } = target === undefined ? schema : { ...target, ...beside }
  const combined = [allOf, anyOf, oneOf].map((list) => partsOf(list, definitions))
  if (combined.every((parts) => parts === undefined)) return rest
  const [all = [], ...choices] = combined
  const shared = choices.map((parts = []) => {
    const [first, ...others] = parts.map(requiredOf)
    return (first ?? []).filter((key) => others.every((keys) => keys.includes(key)))
  })
  const required = [...new Set([requiredOf(rest), ...all.map(requiredOf), ...shared].flat())]
  return {
    ...rest,
    description: describe(rest, { allOf, anyOf, oneOf }),
    type: "object",
    properties: merged([rest, ...combined.flatMap((parts) => parts ?? [])]),
    ...(required.length > 0 && { required })
  }
}

const partsOf = (list: unknown, definitions: Definitions): ReadonlyArray<Json> | undefined =>
  Array.isArray(list) ? list.filter(Predicate.isObject).map((part) => flat(part, definitions)) : undefined

/** A schema that refers to itself has nothing in this place. Each definition is folded once. */
const resolve = (ref: string, definitions: Definitions): Json | undefined => {
  const { known, root } = definitions
  const before = known.get(ref)
  if (before !== undefined) return before
  const target = find(root, ref)
  if (target === undefined) return undefined
  known.set(ref, {})
  const folded = flat(target, definitions)
  known.set(ref, folded)
  return folded
}

const find = (root: Json, ref: string): Json | undefined => {
  let found: unknown = root
  if (ref === "#") return root
  for (const key of ref.replace(/^#\/?/, "").split("/")) {
    const name = key.replaceAll("~1", "/").replaceAll("~0", "~")
    found = Predicate.isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined
  }
  return Predicate.isObject(found) ? found : undefined
}

/** Every property of the schemas; with several forms where they differ. */
const merged = (schemas: ReadonlyArray<Json>): Json => {
  const forms = new Map<string, Map<string, unknown>>()
  for (const { properties } of schemas) {
    if (!Predicate.isObject(properties)) continue
    for (const [key, form] of Object.entries(properties)) {
      forms.set(key, (forms.get(key) ?? new Map()).set(JSON.stringify(form), form))
    }
  }
  return Object.fromEntries(
    Array.from(forms, ([key, found]) => [
      key,
      found.size === 1 ? [...found.values()][0] : { anyOf: [...found.values()] }
    ])
  )
}

const requiredOf = ({ required }: Json): ReadonlyArray<string> =>
  Array.isArray(required) ? required.filter(Predicate.isString) : []

const describe = ({ description }: Json, removed: Json): string => {
  const note = `The arguments must also match this JSON Schema: ${JSON.stringify(removed)}`
  return Predicate.isString(description) ? `${description}\n${note}` : note
}

const accepted = /^[a-zA-Z0-9_.-]{1,64}$/

/** Renames keys. The description of the property then has its own key. */
const withKeys = (schema: Json): RootSchema => {
  const properties = Predicate.isObject(schema["properties"]) ? schema["properties"] : {}
  const taken = new Set(Object.keys(properties))
  const renamed = new Map<string, string>()
  for (const key of taken) {
    if (accepted.test(key)) continue
    const name = free(key.replace(/[^a-zA-Z0-9_.-]/g, "_").slice(0, 60) || "key", taken)
    taken.add(name)
    renamed.set(key, name)
  }
  if (renamed.size === 0) return { schema, restore: (input) => input }
  const own = new Map(Array.from(renamed, ([key, name]) => [name, key]))
  const required = requiredOf(schema)
  return {
    schema: {
      ...schema,
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, property]) => {
          const name = renamed.get(key)
          return name === undefined ? [key, property] : [name, named(key, property)]
        })
      ),
      ...(required.length > 0 && { required: required.map((key) => renamed.get(key) ?? key) })
    },
    restore: (input) =>
      Predicate.isObject(input)
        ? Object.fromEntries(Object.entries(input).map(([name, value]) => [own.get(name) ?? name, value]))
        : input
  }
}

const named = (key: string, property: unknown): Json => {
  const { description, ...rest }: Json = Predicate.isObject(property) ? property : {}
  return { ...rest, description: Predicate.isString(description) ? `${key}: ${description}` : key }
}

const free = (name: string, taken: ReadonlySet<string>): string => {
  let candidate = name
  for (let number = 2; taken.has(candidate); number++) candidate = `${name}_${number}`
  return candidate
}
