/**
 * The stages of a type on its way between a decoded value and JSON. What a user declares may be at any of them.
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"

/** The stages of a type from its decoded side to JSON. */
export const of = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  const stages = declared(ast)
  const last = stages.at(-1) ?? ast
  if (SchemaAST.isDeclaration(last)) {
    // Effect's own codec is made of the encoded sides of the parameters, and has lost what was declared about them.
    const link = codecOf(last)?.(last.typeParameters.map((parameter) => Schema.make(parameter)))
    return link === undefined ? stages : [...stages, ...of(link.to)]
  }
  if (hasParts(last)) return stages
  const [, ...encoded] = declared(Schema.toCodecJson(Schema.make(last)).ast)
  return [...stages, ...encoded]
}

/** The stages that are transformations. */
const declared = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => [
  ast,
  ...(ast.encoding ?? []).flatMap(({ to }) => declared(to))
]

/** Whether a key of the type may be missing in JSON. */
export const isOptional = (ast: SchemaAST.AST): boolean => SchemaAST.isOptional(declared(ast).at(-1) ?? ast)

const hasParts = ({ _tag }: SchemaAST.AST) => ["Arrays", "Objects", "Union", "Suspend"].includes(_tag)

type Codec = (parameters: ReadonlyArray<Schema.Top>) => SchemaAST.Link | undefined

const codecOf = ({ annotations = {} }: SchemaAST.AST): Codec | undefined => {
  const codec = annotations["toCodecJson"] ?? annotations["toCodec"]
  // Effect types these two annotations so, wherever it reads them.
  return Predicate.isFunction(codec) ? (codec as Codec) : undefined
}

/** The id of a type that Effect declares, such as `Date`. */
export const idOf = (ast: SchemaAST.AST): string | undefined => {
  const representation = ast.annotations?.["representation"]
  if (!Predicate.hasProperty(representation, "id") || !Predicate.isString(representation.id)) return undefined
  return representation.id.replace("effect/schema/", "")
}

export const isUndefined = (ast: SchemaAST.AST) => SchemaAST.isUndefined(ast) || SchemaAST.isVoid(ast)
export const isJson = (ast: SchemaAST.AST) => idOf(ast) === "Json" || idOf(ast) === "MutableJson"

/** A declared type whose codec leaves it as it is: only the program can make a value of it. */
export const isOpaque = (stage: SchemaAST.AST, next: SchemaAST.AST | undefined): boolean =>
  SchemaAST.isDeclaration(stage) && !isJson(stage) && next === undefined

/** What a type is called. */
export const nameOf = ({ annotations = {} }: SchemaAST.AST): string | undefined => {
  const { expected, identifier, title } = annotations
  return [identifier, title, expected].find(Predicate.isString)
}

/** Maps, which the codec encodes as a list of pairs. */
export const isMap = (ast: SchemaAST.AST): boolean => ["ReadonlyMap", "HashMap"].includes(idOf(ast) ?? "")

/** Whether two schemas are one, at different places. */
export const isSame = (a: SchemaAST.AST, b: SchemaAST.AST): boolean =>
  a === b ||
  (a._tag === b._tag &&
    a.annotations === b.annotations &&
    a.checks === b.checks &&
    a.encoding === b.encoding &&
    hasNoParts(a))

const hasNoParts = (ast: SchemaAST.AST) => ["String", "Number", "Boolean", "Null"].includes(ast._tag)

/** What a text or a number is decoded to, where neither side says so in words. */
export const decoded = (chain: ReadonlyArray<SchemaAST.AST>): ReadonlyArray<string> => {
  const final = chain.at(-1)
  const [first] = chain
  if (first === undefined || final === undefined || first === final) return []
  if (final.annotations?.["expected"] === jsonText) return jsonTextOf(first)
  if (!(SchemaAST.isString(final) || SchemaAST.isNumber(final)) || nameOf(final) !== undefined || final.checks)
    return []
  const noun = nouns[first._tag] ?? (idOf(first) === undefined ? nameOf(first) : undefined)
  return first._tag === final._tag || noun === undefined ? [] : [`is decoded as ${noun}`]
}

const nouns: Readonly<Record<string, string>> = {
  String: "a text",
  Number: "a number",
  Boolean: "true or false",
  BigInt: "a whole number",
  Null: "null"
}

/** Effect's own words for `Schema.fromJsonString`. */
const jsonText = "a string that will be decoded as JSON"

const jsonTextOf = (ast: SchemaAST.AST): ReadonlyArray<string> => {
  const { contentSchema } = documentOf(ast)
  return contentSchema === undefined ? [] : [`JSON text that satisfies the schema ${JSON.stringify(contentSchema)}`]
}

/** The pattern of a template literal. */
export const patternOf = (ast: SchemaAST.AST): ReadonlyArray<string> => {
  const { pattern } = documentOf(ast)
  return Predicate.isString(pattern) ? [`matches the regular expression /${pattern}/`] : []
}

const documentOf = (ast: SchemaAST.AST): Readonly<Record<string, unknown>> =>
  Schema.toJsonSchemaDocument(Schema.make<Schema.Codec<unknown>>(ast)).schema
