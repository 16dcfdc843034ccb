/**
 * The subset of JSON Schema that the API accepts as an output format, and its limits. Source: platform.claude.com,
 * "Structured outputs", and error messages of the API, 2026.
 */

/** A schema of the API's subset. */
export interface JsonSchema {
  readonly type?: "object" | "array" | "string" | "number" | "integer" | "boolean" | "null"
  readonly description?: string
  readonly const?: Scalar
  readonly enum?: ReadonlyArray<Scalar>
  readonly format?: string
  readonly properties?: { readonly [name: string]: JsonSchema }
  readonly required?: ReadonlyArray<string>
  readonly additionalProperties?: false
  readonly items?: JsonSchema
  readonly minItems?: 0 | 1
  readonly anyOf?: ReadonlyArray<JsonSchema>
}

/** A value that `const` and `enum` may hold. */
export type Scalar = string | number | boolean | null

/** The string formats that the API enforces. */
export const formats: ReadonlySet<string> = new Set([
  "date-time",
  "time",
  "date",
  "duration",
  "email",
  "hostname",
  "uri",
  "ipv4",
  "ipv6",
  "uuid"
])

/** Limits on all schemas of a request together. */
export const limits = { optional: 24, unions: 16 } as const

/** The paths of the optional properties and of the unions (`anyOf`, or a list of types) of a schema. */
export interface Places {
  readonly optional: ReadonlyArray<string>
  readonly unions: ReadonlyArray<string>
}

/** Finds what the API counts against `limits`. A path looks like `["lines"][]["price"]`. */
export const count = (schema: unknown): Places => {
  const optional: Array<string> = []
  const unions: Array<string> = []
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null) return
    const { properties = {}, required, items, anyOf, allOf, type, $defs = {} }: Untrusted = node
    if (Array.isArray(anyOf) || Array.isArray(type)) unions.push(path)
    for (const [name, property] of Object.entries(properties)) {
      const place = `${path}[${JSON.stringify(name)}]`
      if (!required?.includes(name)) optional.push(place)
      visit(property, place)
    }
    visit(items, `${path}[]`)
    for (const one of [...(anyOf ?? []), ...(allOf ?? []), ...Object.values($defs)]) visit(one, path)
  }
  visit(schema, "")
  return { optional, unions }
}

/** The keywords that `count` reads. A hand-written schema may hold other values here; the API refuses them. */
interface Untrusted {
  readonly properties?: object
  readonly required?: ReadonlyArray<string>
  readonly items?: unknown
  readonly anyOf?: ReadonlyArray<unknown>
  readonly allOf?: ReadonlyArray<unknown>
  readonly type?: unknown
  readonly $defs?: object
}
