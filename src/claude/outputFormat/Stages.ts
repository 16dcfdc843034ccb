/**
 * The stages of a type between its decoded value and JSON. A user may declare words and checks at any stage.
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as JsonText from "./JsonText.ts"

/** The stages of a type, from its decoded side to JSON. */
export const of = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  const stages = declared(ast)
  const last = stages.at(-1) ?? ast
  if (SchemaAST.isDeclaration(last)) {
    // Effect builds this codec from the encoded sides of the parameters, which lack what the user declared about them.
    const link = codecOf(last)?.(last.typeParameters.map((parameter) => Schema.make(parameter)))
    return link === undefined ? stages : [...stages, ...of(link.to)]
  }
  if (hasParts(last)) return stages
  const [, ...encoded] = declared(Schema.toCodecJson(Schema.make(last)).ast)
  return [...stages, ...encoded]
}

/** The stages that the schema itself defines. */
const declared = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => [
  ast,
  ...(ast.encoding ?? []).flatMap(({ to }) => declared(to))
]

/** Whether a key with this type may be missing in JSON. */
export const isOptional = (ast: SchemaAST.AST): boolean => SchemaAST.isOptional(declared(ast).at(-1) ?? ast)

const hasParts = ({ _tag }: SchemaAST.AST) => ["Arrays", "Objects", "Union", "Suspend"].includes(_tag)

type Codec = (parameters: ReadonlyArray<Schema.Top>) => SchemaAST.Link | undefined

const codecOf = ({ annotations = {} }: SchemaAST.AST): Codec | undefined => {
  const codec = annotations["toCodecJson"] ?? annotations["toCodec"]
  // Effect gives these two annotations this type where it reads them.
  return Predicate.isFunction(codec) ? (codec as Codec) : undefined
}

/** The id of a type of Effect, such as `Date`. */
export const idOf = (ast: SchemaAST.AST): string | undefined => {
  const representation = ast.annotations?.["representation"]
  if (!Predicate.hasProperty(representation, "id") || !Predicate.isString(representation.id)) return undefined
  return representation.id.replace("effect/schema/", "")
}

export const isUndefined = (ast: SchemaAST.AST) => SchemaAST.isUndefined(ast) || SchemaAST.isVoid(ast)
export const isJson = (ast: SchemaAST.AST) => idOf(ast) === "Json" || idOf(ast) === "MutableJson"

/** Whether a declared type has no JSON form. */
export const isOpaque = (stage: SchemaAST.AST, next: SchemaAST.AST | undefined): boolean =>
  SchemaAST.isDeclaration(stage) && !isJson(stage) && next === undefined

/** The name of a type. */
export const nameOf = ({ annotations = {} }: SchemaAST.AST): string | undefined => {
  const { expected, identifier, title } = annotations
  return [identifier, title, expected].find(Predicate.isString)
}

/** Maps, which the codec encodes as a list of pairs. */
export const isMap = (ast: SchemaAST.AST): boolean => ["ReadonlyMap", "HashMap"].includes(idOf(ast) ?? "")

/** Whether two places use the same schema. */
export const isSame = (a: SchemaAST.AST, b: SchemaAST.AST): boolean =>
  a === b ||
  (a._tag === b._tag &&
    a.annotations === b.annotations &&
    a.checks === b.checks &&
    a.encoding === b.encoding &&
    hasNoParts(a))

const hasNoParts = (ast: SchemaAST.AST) => ["String", "Number", "Boolean", "Null"].includes(ast._tag)

/** Words for the decoded type of a text or a number, unless the schema has its own. */
export const decoded = (chain: ReadonlyArray<SchemaAST.AST>): ReadonlyArray<string> => {
  const final = chain.at(-1)
  const [first] = chain
  if (first === undefined || final === undefined || first === final) return []
  if (final.annotations?.["expected"] === jsonText) return jsonTextOf(first)
  const isNumber = chain.some(SchemaAST.isNumber) && !SchemaAST.isString(final)
  const time = isNumber && first.encoding !== undefined ? times[idOf(first) ?? ""] : undefined
  if (time !== undefined) return [`is decoded as ${time}`]
  if (!(SchemaAST.isString(final) || SchemaAST.isNumber(final)) || nameOf(final) !== undefined || final.checks)
    return []
  const ofEffect = first.encoding === undefined ? undefined : nouns[idOf(first) ?? ""]
  const noun = nouns[first._tag] ?? ofEffect ?? (idOf(first) === undefined ? nameOf(first) : undefined)
  return first._tag === final._tag || noun === undefined ? [] : [`is decoded as ${noun}`]
}

const nouns: Readonly<Record<string, string>> = {
  String: "a text",
  Number: "a number",
  Boolean: "true or false",
  BigInt: "a whole number",
  Null: "null",
  Date: "a date",
  DateTimeUtc: "a date and time",
  Duration: "a duration",
  URL: "a URL"
}

/** Numbers that Effect decodes to points in time and durations. */
const times: Readonly<Record<string, string>> = {
  Date: "a date, in milliseconds since 1970",
  DateTimeUtc: "a date, in milliseconds since 1970",
  Duration: "a duration, in milliseconds"
}

/** Effect's words for `Schema.fromJsonString`. */
const jsonText = "a string that will be decoded as JSON"

const jsonTextOf = (ast: SchemaAST.AST): ReadonlyArray<string> => {
  const { contentSchema } = documentOf(ast)
  return contentSchema === undefined ? [] : [JsonText.words(contentSchema)]
}

/** The pattern of a template literal. */
export const patternOf = (ast: SchemaAST.AST): ReadonlyArray<string> => {
  const { pattern } = documentOf(ast)
  return Predicate.isString(pattern) ? [`matches the regular expression /${pattern}/`] : []
}

const documentOf = (ast: SchemaAST.AST): Readonly<Record<string, unknown>> =>
  Schema.toJsonSchemaDocument(Schema.make<Schema.Codec<unknown>>(ast)).schema
