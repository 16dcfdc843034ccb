/**
 * The part of JSON Schema that the API compiles: for `output_config.format`, and for the input of tools with
 * `strict: true`. It refuses every keyword outside that part, and schemas that are too complex. Sources: Anthropic,
 * "Structured outputs" (Nov 2026), and refusals of the API that users published in 2026.
 */
import * as Predicate from "effect/Predicate"
import * as OutputFormat from "../../../claude/OutputFormat.ts"

type Json = { readonly [keyword: string]: unknown }

/** A schema of a request, and its path there. */
export interface Strict {
  readonly path: string
  readonly schema: unknown
}

const { optional: mostOptional, unions: mostUnions } = OutputFormat.limits
const mostTools = 20

/** The refusal of the strict schemas of a request; the limits hold over all of them. */
export const check = (schemas: ReadonlyArray<Strict>): string | undefined => {
  let optional = 0
  let unions = 0
  for (const { path, schema } of schemas) {
    if (!Predicate.isObject(schema)) return `${path}: Input should be a valid dictionary`
    const problem = circular(schema) ?? problemOf(schema, schema)
    if (problem !== undefined) return `${path}: ${problem}`
    for (const node of nodesOf(schema)) {
      optional += optionalOf(node)
      if (isUnion(node)) unions += 1
    }
  }
  if (schemas.filter(({ path }) => path.startsWith("tools")).length > mostTools) {
    return `Too many strict tools. Reduce the number of tools with \`strict: true\` (limit: ${mostTools}).`
  }
  if (optional > mostOptional) {
    return (
      `Schemas contains too many optional parameters (${optional}), which would make grammar compilation inefficient. ` +
      `Reduce the number of optional parameters in your tool schemas (limit: ${mostOptional}).`
    )
  }
  if (unions > mostUnions) {
    return (
      `Schemas contains too many parameters with union types (${unions} parameters with type arrays or anyOf). This ` +
      "causes exponential compilation cost. Reduce the number of nullable or union-typed parameters " +
      `(limit: ${mostUnions} parameters with unions).`
    )
  }
  return undefined
}

const isUnion = ({ anyOf, type }: Json) => Array.isArray(anyOf) || Array.isArray(type)

const optionalOf = ({ properties, required }: Json) => {
  const names = Predicate.isObject(properties) ? Object.keys(properties) : []
  return names.filter((name) => !Array.isArray(required) || !required.includes(name)).length
}

/** Keywords that say nothing about the value. */
const annotations = ["title", "description", "default", "examples", "deprecated", "$schema", "$id", "$comment"]
const anywhere = [...annotations, "$defs", "definitions"]

const keywords: Readonly<Record<string, ReadonlyArray<string>>> = {
  object: ["properties", "required", "additionalProperties"],
  array: ["items", "minItems"],
  string: ["format", "pattern"],
  integer: [],
  number: [],
  boolean: [],
  null: []
}

/** What a regular expression may not have, and its name. */
const unsupportedPatterns: ReadonlyArray<readonly [RegExp, string]> = [
  [/\(\?<?[=!]/, "lookaround"],
  [/\\[1-9]|\\k</, "a backreference"],
  [/\\b|\\B/, "a word boundary"]
]

const problemOf = (node: Json, root: Json): string | undefined => {
  if ("oneOf" in node) return "Schema type 'oneOf' is not supported"
  if ("not" in node) return "Schema keyword 'not' is not supported"
  if (typeof node["$ref"] === "string" && resolve(node["$ref"], root) === undefined) {
    return `Invalid schema: Reference to non-existent definition: ${node["$ref"]}`
  }
  return (
    ownProblem(node) ??
    childrenOf(node)
      .map((child) => problemOf(child, root))
      .find(Predicate.isNotUndefined)
  )
}

const ownProblem = (node: Json): string | undefined => {
  if ("$ref" in node) return undefined
  if ("anyOf" in node || "allOf" in node) {
    const beside = Object.keys(node).filter((name) => !["anyOf", "allOf", ...anywhere].includes(name))
    return beside.length === 0 ? undefined : `For 'anyOf', '${beside.toSorted().join(", ")}' is not supported`
  }
  const { enum: values, type } = node
  if (Array.isArray(values) && values.some(Predicate.isObjectOrArray)) {
    return "Invalid schema: Enum values must be strings, numbers, booleans or null"
  }
  if (type === undefined) {
    return "enum" in node || "const" in node || "properties" in node
      ? undefined
      : "Empty schema ({}) that accepts any JSON value is not supported."
  }
  const types = Array.isArray(type) ? type.map(String) : [String(type)]
  for (const one of types) {
    const problem = typeProblem(node, one, types)
    if (problem !== undefined) return problem
  }
  return undefined
}

const typeProblem = (node: Json, type: string, types: ReadonlyArray<string>): string | undefined => {
  if (keywords[type] === undefined) return `Invalid schema: '${type}' is not a type`
  const known = new Set([...anywhere, "type", "enum", "const", ...types.flatMap((one) => keywords[one] ?? [])])
  const unknown = Object.keys(node).filter((name) => !known.has(name))
  if (unknown.length === 1) return `For '${type}' type, property '${unknown[0]}' is not supported`
  if (unknown.length > 1) {
    return `For '${type}' type, properties ${unknown.toSorted().join(", ")} are not supported`
  }
  if (type === "object") return objectProblem(node)
  if (type === "array") return arrayProblem(node)
  return type === "string" ? stringProblem(node) : undefined
}

const objectProblem = ({ additionalProperties }: Json) => {
  if (additionalProperties === false) return undefined
  return Predicate.isObject(additionalProperties)
    ? "For 'object' type, 'additionalProperties: object' is not supported. Please set 'additionalProperties' to false"
    : "For 'object' type, 'additionalProperties' must be explicitly set to false"
}

const arrayProblem = ({ items, minItems }: Json) => {
  if (Array.isArray(items)) {
    return "Invalid schema: Array types must be specified with a single object schema for 'items'."
  }
  return minItems === undefined || minItems === 0 || minItems === 1
    ? undefined
    : `For 'array' type, 'minItems' values other than 0 or 1 are not supported (got: [${String(minItems)}, ∞])`
}

const stringProblem = ({ format, pattern }: Json) => {
  if (format !== undefined && !OutputFormat.formats.has(String(format))) {
    return `For 'string' type, format '${String(format)}' is not supported`
  }
  const [, feature] = unsupportedPatterns.find(([found]) => found.test(String(pattern ?? ""))) ?? []
  return feature && `For 'string' type, pattern '${String(pattern)}' is not supported: it uses ${feature}`
}

/** The schemas directly inside a schema. */
const childrenOf = (node: Json): ReadonlyArray<Json> => {
  const { $defs, allOf, anyOf, definitions, items, properties } = node
  const named = [properties, $defs, definitions].flatMap((map) => (Predicate.isObject(map) ? Object.values(map) : []))
  const listed = [anyOf, allOf].flatMap((list) => (Array.isArray(list) ? list : []))
  return [...named, ...listed, items].filter(Predicate.isObject)
}

const nodesOf = (node: Json): ReadonlyArray<Json> => [node, ...childrenOf(node).flatMap(nodesOf)]

const resolve = (ref: string, root: Json): Json | undefined => {
  const [, kind = "", name = ""] = /^#\/(\$defs|definitions)\/(.+)$/.exec(ref) ?? []
  const definitions = root[kind]
  const found = Predicate.isObject(definitions)
    ? definitions[name.replaceAll("~1", "/").replaceAll("~0", "~")]
    : undefined
  return Predicate.isObject(found) ? found : undefined
}

/** A definition that leads back to itself. */
const circular = (root: Json): string | undefined => {
  const refused = (names: ReadonlyArray<string>) =>
    `Invalid schema: Circular reference detected in schema definitions: ${names.join(" -> ")}. Self-referencing or ` +
    "mutually-referencing definitions are not supported."
  const visit = (node: Json, way: ReadonlyArray<string>): string | undefined => {
    const ref = node["$ref"]
    if (typeof ref !== "string") {
      return childrenOf(node)
        .map((child) => visit(child, way))
        .find(Predicate.isNotUndefined)
    }
    if (ref === "#") return refused(["#", "#"])
    const name = ref.split("/").at(-1) ?? ref
    if (way.includes(name)) return refused([...way.slice(way.indexOf(name)), name])
    const target = resolve(ref, root)
    return target && visit(target, [...way, name])
  }
  return visit(root, [])
}
