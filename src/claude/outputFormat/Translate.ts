/**
 * Translates the JSON form of a schema to the API's subset. The subset has no tuples, maps or arbitrary JSON: for these
 * the model sends another shape, and `read` turns it into the JSON that the codec decodes.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { describe, type Node, type Problem, problemsOf } from "./Describe.ts"
import type { JsonSchema } from "./JsonSchema.ts"
import * as Alternatives from "./Alternatives.ts"
import * as JsonText from "./JsonText.ts"
import { special } from "./Special.ts"
import * as Stages from "./Stages.ts"
import * as Shape from "./Shape.ts"

/**
 * Translates a schema. Reports every part that cannot be sent, and puts a null in its place. A part that contains itself
 * is sent as JSON in a text if `mayChange` is true.
 */
export const translate = (root: SchemaAST.AST, report: (problem: Problem) => void, mayChange = false): Node => {
  const inside: Array<SchemaAST.AST> = []

  const visit = (ast: SchemaAST.AST, path: string, isOptional = false): Node => {
    const chain = Stages.of(ast)
    const final = chain.at(-1) ?? ast
    if (mayChange && inside.includes(final)) return JsonText.of(documentOf(ast))
    if (inside.includes(final) || inside.length > deepest) {
      report({ path, what: "it contains itself", remedy: "bound its depth" })
      return nothing
    }
    inside.push(final)
    const better = special(chain)
    const node = better ?? body(final, path, isOptional, chain.some(Stages.isMap))
    inside.pop()
    for (const problem of problemsOf(chain)) report({ path, ...problem })
    return describe(node, chain, better !== undefined)
  }

  const body = (ast: SchemaAST.AST, path: string, isOptional: boolean, isMap: boolean): Node => {
    switch (ast._tag) {
      case "String":
        return { schema: { type: "string" } }
      case "TemplateLiteral":
        return { schema: { type: "string" }, constraints: Stages.patternOf(ast) }
      case "Number":
        return { schema: { type: "number" } }
      case "Boolean":
        return { schema: { type: "boolean" } }
      case "Null":
        return { schema: { type: "null" } }
      case "Literal":
        return { schema: Alternatives.literal(ast.literal) }
      case "Enum":
        return Alternatives.enumeration(ast)
      case "Arrays":
        return list(ast, path, isMap)
      case "Objects":
        return object(ast, path)
      case "Union":
        return union(ast, path, isOptional)
      case "Suspend":
        return visit(ast.thunk(), path, isOptional)
      case "Never":
        report({ path, what: "no value satisfies the schema (Schema.Never)", remedy: "leave the field out" })
        return nothing
      default:
        // Any JSON. `problemsOf` reports the types that have no form in JSON.
        return Shape.anyJson
    }
  }

  const list = (ast: SchemaAST.Arrays, path: string, isMap: boolean): Node => {
    const [item, ...tail] = ast.rest
    const isList =
      item !== undefined && tail.length === 0 && ast.elements.every((element) => Stages.isSame(element, item))
    if (!isList) return tuple(ast, path)
    const node =
      isMap && SchemaAST.isArrays(item) ? tuple(item, `${path}{}`, ["key", "value"]) : visit(item, `${path}[]`)
    const fewest = ast.elements.filter((element) => !SchemaAST.isOptional(element)).length
    return {
      schema: { type: "array", items: node.schema, ...(fewest > 0 && { minItems: 1 }) },
      ...(isMap && { notes: [mapNote], isMap }),
      constraints: fewest > 1 ? [`at least ${fewest} items`] : [],
      ...Shape.each(node)
    }
  }

  const tuple = (ast: SchemaAST.Arrays, path: string, names: ReadonlyArray<string> = []): Node => {
    const elements = ast.elements.map((element, index) => {
      const isOptional = Stages.isOptional(element)
      return { name: names[index] ?? String(index), node: visit(element, `${path}[${index}]`, isOptional), isOptional }
    })
    const [item, ...tail] = ast.rest.map((one) => visit(one, `${path}[…]`))
    const many = item && {
      name: "rest",
      node: { schema: { type: "array" as const, items: item.schema }, ...Shape.each(item) }
    }
    const last = tail.map((node, index) => ({ name: `last${index + 1}`, node }))
    const properties = [...elements, ...(many ? [many] : []), ...last]
    const note = `A list of ${elements.length}${many ? " or more" : ""}, as an object: one element under each key`
    return {
      schema: objectOf(properties),
      notes: names.length === 0 ? [note] : [],
      ...Shape.tuple(elements, many, last)
    }
  }

  const object = (ast: SchemaAST.Objects, path: string): Node => {
    const properties = ast.propertySignatures.map(({ name, type }) => {
      if (typeof name === "symbol")
        report({ path, what: `a key is a symbol (${String(name)})`, remedy: "use a string" })
      const isOptional = Stages.isOptional(type)
      return { name: String(name), node: visit(type, `${path}[${JSON.stringify(name)}]`, isOptional), isOptional }
    })
    const maps = ast.indexSignatures.map(({ parameter, type }) => {
      const key = visit(parameter, `${path}{}`)
      const value = visit(type, `${path}{}`)
      const entry = objectOf([
        { name: "key", node: key },
        { name: "value", node: value }
      ])
      const schema: JsonSchema = {
        type: "array",
        items: entry,
        description: `${mapNote}.`
      }
      return { schema, value, holds: guard(parameter) }
    })
    const [map] = maps
    if (map === undefined) return { schema: objectOf(properties), ...Shape.fields(properties) }
    if (maps.length === 1 && properties.length === 0) {
      const { description: _, ...schema } = map.schema
      return { schema, notes: [mapNote], isMap: true, ...Shape.map(map) }
    }
    const names = new Set(properties.map(({ name }) => name))
    const others = maps.map((one, index) => {
      let name = maps.length === 1 ? "others" : `others${index + 1}`
      while (names.has(name)) name += "_"
      return { ...one, name, node: { schema: one.schema } }
    })
    return { schema: objectOf([...properties, ...others]), ...Shape.fieldsAndMaps(properties, others) }
  }

  const union = (ast: SchemaAST.Union, path: string, isOptional: boolean): Node => {
    // A missing key already means undefined, so an optional key needs no null for it.
    const isNothing = (one: SchemaAST.AST) => SchemaAST.isNever(one) || (isOptional && Stages.isUndefined(one))
    const some = ast.types.filter((one) => !isNothing(one))
    const members = (some.length === 0 ? ast.types : some).map((one) => ({ node: visit(one, path), holds: guard(one) }))
    if (members.length === 0) report({ path, what: "a union has no members", remedy: "leave the field out" })
    const { notes, schema } = Alternatives.merge(members.map(({ node }) => node.schema))
    const one =
      ast.options?.mode === "oneOf" && schema.anyOf !== undefined ? ["satisfies exactly one of the alternatives"] : []
    return { schema, notes, constraints: one, ...Shape.oneOf(members) }
  }

  return visit(root, "")
}

/** The JSON Schema of a type that contains itself. It describes the JSON of the codec. */
const documentOf = (ast: SchemaAST.AST): object => {
  const codec = Schema.toCodecJson(Schema.make<Schema.Codec<unknown>>(ast))
  const { definitions, schema } = Schema.toJsonSchemaDocument(codec)
  return { ...schema, $defs: definitions }
}

/** A schema whose parts are created on each access never repeats; at this depth it counts as recursive. */
const deepest = 100

const mapNote = "A map, as a list of its entries; each key once"

const nothing: Node = { schema: { type: "null" } }

/** Tests whether JSON belongs to a type and has no excess keys. */
const guard = (ast: SchemaAST.AST): ((json: unknown) => boolean) => {
  const codec = Schema.make<Schema.Codec<unknown>>(SchemaAST.toEncoded(Schema.toCodecJson(Schema.make(ast)).ast))
  const decode = Schema.decodeUnknownOption(codec, { onExcessProperty: "error" })
  return (json) => Option.isSome(decode(json))
}

interface Property {
  readonly name: string
  readonly node: { readonly schema: JsonSchema }
  readonly isOptional?: boolean
}

const objectOf = (properties: ReadonlyArray<Property>): JsonSchema => ({
  type: "object",
  properties: Object.fromEntries(properties.map(({ name, node }) => [name, node.schema])),
  required: properties.filter(({ isOptional }) => isOptional !== true).map(({ name }) => name),
  additionalProperties: false
})
