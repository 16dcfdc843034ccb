/**
 * The types that the columns of results have by their schema, so that they are the same whatever the values are. Where the
 * schema leaves a type open, as `Schema.Unknown` does, the values decide.
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as ResultLine from "../../ResultLine.ts"
import * as Shape from "./Shape.ts"

/** The columns of a line of results, in order: the key of the row, and the fields. Undefined: the values decide. */
export const of = (results: Schema.Constraint): ReadonlyMap<string, Shape.Shape | undefined> => {
  const { definitions, schema } = Schema.toJsonSchemaDocument(results)
  const root = resolve(schema, definitions)
  const fields = ResultLine.fields(results)
  const objects = membersOf(root, definitions)
  const times = timesOf(results.ast)
  const shapeOf = (name: string): Shape.Shape | undefined => {
    if (times.has(name)) return { _tag: "timestamp" }
    const schemas = objects.flatMap(({ properties }) => (Predicate.isObject(properties) ? [properties[name]] : []))
    return ofAny(schemas.filter(Predicate.isNotUndefined), definitions)
  }
  // A result without fixed fields is the field `value`.
  const isMerged = objects.some(({ properties }) => Predicate.isObject(properties))
  const shapes = Array.from(fields, (name) => [name, isMerged ? shapeOf(name) : ofAny([root], definitions)] as const)
  return new Map([["key", { _tag: "text" }], ...shapes])
}

type JsonSchema = Readonly<Record<string, unknown>>
type Definitions = Readonly<Record<string, JsonSchema>>

const objectOf = (schema: unknown): JsonSchema => (Predicate.isObject(schema) ? { ...schema } : {})

const resolve = (schema: unknown, definitions: Definitions): JsonSchema => {
  const { $ref: reference, ...found } = objectOf(schema)
  return Predicate.isString(reference) ? (definitions[reference.replace("#/$defs/", "")] ?? {}) : found
}

/** Schemas that contain themselves, such as that of a tree: they have no fixed columns. */
const isRecursive = (schema: unknown, definitions: Definitions): boolean => {
  const { $ref: reference } = objectOf(schema)
  const reached = new Set<string>()
  const reach = (part: unknown): void => {
    for (const [found, name = ""] of JSON.stringify(part).matchAll(/"#\/\$defs\/([^"]+)"/g)) {
      if (reached.has(found)) continue
      reached.add(found)
      reach(definitions[name] ?? {})
    }
  }
  reach(resolve(schema, definitions))
  return reached.has(JSON.stringify(reference))
}

/** The alternatives of a schema, without null. */
const membersOf = (schema: unknown, definitions: Definitions): ReadonlyArray<JsonSchema> => {
  const { anyOf, oneOf, ...only } = resolve(schema, definitions)
  const members = Array.isArray(anyOf) ? anyOf : oneOf
  if (Array.isArray(members)) return members.flatMap((member) => membersOf(member, definitions))
  return only["type"] === "null" ? [] : [only]
}

/** The shape of a value that has one of these schemas. */
const ofAny = (schemas: ReadonlyArray<unknown>, definitions: Definitions): Shape.Shape | undefined => {
  if (schemas.some((schema) => isRecursive(schema, definitions))) return json
  const shapes = schemas.flatMap((schema) => membersOf(schema, definitions)).map((member) => ofOne(member, definitions))
  const [first, ...others] = shapes
  if (first === undefined || shapes.includes(undefined)) return undefined
  return others.reduce<Shape.Shape>((all, one) => join(all, one ?? json), first)
}

const json: Shape.Shape = { _tag: "json" }
const number: Shape.Shape = { _tag: "number" }

/** What holds the values of both. A number that JSON lacks, such as NaN, is a text in JSON, and no other text. */
const join = (one: Shape.Shape, other: Shape.Shape): Shape.Shape => {
  if (JSON.stringify(one) === JSON.stringify(other) && one._tag !== "struct") return one
  const isNumber = [one, other].every(({ _tag }) => _tag === "number" || _tag === "integer")
  return isNumber ? number : json
}

const ofOne = (schema: JsonSchema, definitions: Definitions): Shape.Shape | undefined => {
  const { additionalProperties, enum: values, format, items, properties, type } = schema
  switch (type) {
    case "boolean":
      return { _tag: "boolean" }
    case "integer":
      return { _tag: "integer" }
    case "number":
      return Array.isArray(values) && values.every(Number.isSafeInteger) ? { _tag: "integer" } : number
    case "string":
      if (Array.isArray(values) && values.every((value) => notFinite.has(value))) return number
      return { _tag: format === "date" ? "date" : "text" }
    case "array": {
      const of = ofAny([items], definitions)
      return of && { _tag: "list", of }
    }
    case "object": {
      const fields = Object.entries(objectOf(properties)).map(
        ([name, field]) => [name, ofAny([field], definitions) ?? json] as const
      )
      const isOpen = Predicate.isObject(additionalProperties) || fields.length === 0
      return isOpen || fields.length > Shape.mostFields ? json : { _tag: "struct", fields: new Map(fields) }
    }
    default:
      return undefined
  }
}

const notFinite = new Set<unknown>(["Infinity", "-Infinity", "NaN"])

/** The fields that are points in time, which are ISO texts in UTC in JSON. */
const timesOf = (ast: SchemaAST.AST): ReadonlySet<string> => {
  // The fields of a class are its type parameter.
  const [fields = ast] = SchemaAST.isDeclaration(ast) ? ast.typeParameters : [ast]
  if (!SchemaAST.isObjects(fields)) return new Set()
  return new Set(fields.propertySignatures.filter(({ type }) => isTime(type)).map(({ name }) => String(name)))
}

const isTime = (ast: SchemaAST.AST): boolean => {
  const types = alternativesOf(SchemaAST.toType(ast))
  return types.length > 0 && types.every(isPointInTime)
}

const alternativesOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isUnion(ast)) return ast.types.flatMap(alternativesOf)
  return SchemaAST.isNull(ast) || SchemaAST.isUndefined(ast) ? [] : [ast]
}

const isPointInTime = ({ annotations }: SchemaAST.AST): boolean => {
  const { representation } = annotations ?? {}
  return Predicate.hasProperty(representation, "id") && times.has(representation.id)
}

const times = new Set<unknown>(["effect/schema/Date", "effect/schema/DateTimeUtc"])
