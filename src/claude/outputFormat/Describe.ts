/**
 * Adds the user's declarations to the schema of a type: as a keyword if the subset has one, in the description otherwise.
 */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as Constraints from "./Constraints.ts"
import { formats, type JsonSchema } from "./JsonSchema.ts"
import * as Shape from "./Shape.ts"
import { special } from "./Special.ts"
import * as Stages from "./Stages.ts"
import * as Words from "./Words.ts"

/** A part of a schema that cannot be sent: its path, the reason and a remedy. */
export interface Problem {
  readonly path: string
  readonly what: string
  readonly remedy: string
}

/** The schema that is sent for a type, and the mapping of its values. */
export interface Node extends Shape.Mapping {
  readonly schema: JsonSchema
  /** Words about the shape that is sent. */
  readonly notes?: ReadonlyArray<string>
  readonly isMap?: boolean
  readonly constraints?: ReadonlyArray<string>
}

type Chain = ReadonlyArray<SchemaAST.AST>

/** The reasons why a type of any shape cannot be sent. */
export const problemsOf = (chain: Chain): ReadonlyArray<Omit<Problem, "path">> => {
  const opaque = chain.filter((stage, index) => Stages.isOpaque(stage, chain[index + 1]))
  const silent = chain.filter((stage) => Words.of(stage, "characters", Words.json).isOpaque)
  return [
    ...opaque.map((stage) => ({
      what: `${Stages.nameOf(stage) ?? "a declared type"} has no form in JSON`,
      remedy: "annotate it with toCodecJson, or use a type that has a form in JSON"
    })),
    ...silent.map(() => ({
      what: "a check has no words that Claude could read",
      remedy: 'say it in words: Schema.makeFilter(…, { expected: "an IBAN" })'
    }))
  ]
}

/** Adds keywords and a description. */
export const describe = (node: Node, chain: Chain, isSpecial: boolean): Node => {
  const [first] = chain
  const encode = first === undefined ? Words.json : exampleOf(first, node)
  const unit = unitOf(node)
  const own = chain.map((stage) => Words.of(stage, unit, stage === first ? encode : Words.json)).reduce(Words.merge)
  const { extra, schema } = keywords(node.schema, own)
  const sent = JSON.stringify(node.schema)
  const isNew = (text: string) => !sent.includes(JSON.stringify(text).slice(1, -1))
  const declared = chain.slice(0, -1).map((stage) => within(stage, isNew))
  const inner = Words.filter(declared.reduce(Words.merge, Words.none), isNew)
  // A union with one member becomes that member, which has a description already.
  const before = Constraints.split(node.schema.description ?? "")
  const constraints = [
    ...before.phrases,
    ...(node.constraints ?? []),
    ...extra,
    ...own.constraints.filter((one) => !(isSpecial && one.includes("will be decoded as"))),
    ...inner.constraints,
    ...Stages.decoded(chain)
  ]
  const description = Words.describe({
    ...own,
    descriptions: [...own.descriptions, before.text, ...inner.titles, ...inner.descriptions],
    notes: [...(node.notes ?? []), ...own.notes, ...inner.notes],
    constraints
  })
  return { ...node, schema: description === undefined ? schema : { ...schema, description } }
}

/** The declarations inside a stage that is not sent, such as the fields before `encodeKeys` renames them. */
const within = (stage: SchemaAST.AST, isNew: (text: string) => boolean): Words.Words => {
  const all = (parts: Chain): Words.Words =>
    parts
      .flatMap((part) => {
        const stages = Stages.of(part)
        // The form that is sent has a keyword for these.
        if (special(stages) !== undefined) return Words.of(part, "characters", Words.json)
        const inside = stages.map((one) => Words.merge(Words.of(one, unitIn(stages), Words.json), within(one, isNew)))
        return [...inside, { ...Words.none, constraints: Stages.decoded(stages) }]
      })
      .reduce(Words.merge, Words.none)
  switch (stage._tag) {
    case "Declaration":
      return all(stage.typeParameters)
    case "Arrays":
      return all([...stage.elements, ...stage.rest])
    case "Union":
      return all(stage.types)
    case "Objects": {
      const notes = stage.propertySignatures.flatMap(({ name, type }) => {
        const words = Words.describe(Words.filter(all([type]), isNew))
        return words === undefined ? [] : [`${String(name)}: ${words}`]
      })
      return { ...Words.none, notes }
    }
    default:
      return Words.none
  }
}

const unitIn = (stages: Chain): Constraints.Unit => {
  const last = stages.at(-1)
  if (last === undefined || !(SchemaAST.isArrays(last) || SchemaAST.isObjects(last))) return "characters"
  return SchemaAST.isArrays(last) && !stages.some(Stages.isMap) ? "items" : "entries"
}

const unitOf = ({ isMap, schema }: Node): Constraints.Unit => {
  if (schema.type === "array") return isMap === true ? "entries" : "items"
  return schema.type === "object" ? "entries" : "characters"
}

/** Encodes an example, which is a decoded value, to the shape that the model sends. */
const exampleOf = (ast: SchemaAST.AST, node: Node) => {
  // Most types have no examples, and an encoder is costly.
  let encode: ((example: unknown) => unknown) | undefined
  return (example: unknown): unknown => {
    encode ??= Words.encodeWith(Schema.toCodecJson(Schema.make<Schema.Codec<unknown>>(ast)))
    const json = encode(example)
    return json === undefined ? Words.json(example) : Shape.write(node, json)
  }
}

/** Sets the keywords that the subset has, and returns the other declarations in words. */
const keywords = (schema: JsonSchema, { checks, formats: named }: Words.Words) => {
  const has = (id: string) => checks.some((check) => check.id === `effect/schema/${id}`)
  const known = has("isUUID") || has("isGUID") ? "uuid" : named.find((format) => formats.has(format))
  const others = named.filter((format) => schema.type !== "string" || format !== known)
  const extra = others.map((format) => `format: ${format}`)
  switch (schema.type) {
    case "string":
      if (has("isInt")) extra.unshift("a whole number")
      return { schema: known === undefined ? schema : { ...schema, format: known }, extra }
    case "number":
      if (schema.const !== undefined || schema.enum !== undefined) return { schema, extra }
      if (has("isInt")) return { schema: { ...schema, type: "integer" as const }, extra }
      return { schema, extra: ["a finite number", ...extra] }
    case "array":
      return { schema: isFilled(checks) ? { ...schema, minItems: 1 as const } : schema, extra }
    default:
      return { schema, extra }
  }
}

/** Whether a list must have at least one item. */
const isFilled = (checks: ReadonlyArray<Constraints.Check>): boolean =>
  checks.some(({ id, payload }) => {
    const { minimum, minLength, minProperties, minSize }: Record<string, unknown> = { ...payload }
    const isSize = /^effect\/schema\/is(Min|Between)(Length|Size|Properties)$/.test(id)
    return isSize && Number(minLength ?? minSize ?? minProperties ?? minimum) >= 1
  })
