/**
 * A column of a Parquet file with its values: how a value of the file becomes JSON, and how JSON becomes a value of the
 * file. Lists and structs are arrays and objects in JSON, and so are maps whose keys are texts.
 */
import type { SchemaElement as AnyElement, SchemaTree } from "hyparquet"
import type { SchemaElement } from "hyparquet-writer"
import { isListLike, isMapLike } from "hyparquet/src/schema.js"
import * as Predicate from "effect/Predicate"
import { type Codec, misfit } from "./Codec.ts"
import * as Leaf from "./Leaf.ts"

/** A column, or a part of one. */
export interface Column extends Codec {
  readonly name: string
  /** Its part of the schema, the parents first. */
  readonly elements: ReadonlyArray<SchemaElement>
  /** The type that a writer has to replace; undefined where it can be written as it is. */
  readonly replaced: string | undefined
}

/** The column of a part of a schema. */
export const of = (tree: SchemaTree): Column => {
  const children = tree.children.map(of)
  const element = written(tree.element)
  const codec = codecOf(tree, children)
  return {
    name: element.name,
    elements: [element, ...children.flatMap(({ elements }) => elements)],
    replaced: replacedIn(tree) ?? children.find(({ replaced }) => replaced !== undefined)?.replaced,
    ...(element.repetition_type === "REPEATED" ? list(codec) : nullable(codec, element))
  }
}

const codecOf = (tree: SchemaTree, children: ReadonlyArray<Column>): Codec => {
  const [child] = children
  if (tree.element.logical_type?.type === "VARIANT") return anything
  if (child === undefined) return Leaf.codec(tree.element)
  const [inner, ...others] = tree.children[0]?.children ?? []
  if (isListLike(tree)) return list(inner !== undefined && others.length === 0 ? of(inner) : repeated(tree, child))
  const value = isMapLike(tree) ? others[0] : undefined
  return value === undefined ? struct(children) : map(of(value))
}

/** The elements of a list of the old form, which has no level for them. */
const repeated = (tree: SchemaTree, child: Column): Codec => {
  const [element] = tree.children
  return element === undefined ? child : codecOf(element, element.children.map(of))
}

const nullable = ({ decode, encode }: Codec, { repetition_type: repetition }: AnyElement): Codec => ({
  decode: (stored) => (stored === null || stored === undefined ? null : decode(stored)),
  encode: (value) => {
    if (value === null || value === undefined) return repetition === "REQUIRED" ? misfit : null
    return encode(value)
  }
})

const list = ({ decode, encode }: Codec): Codec => ({
  decode: (stored) => (isList(stored) ? Array.from(stored, decode) : stored),
  encode: (value) => (Array.isArray(value) ? fitting(value.map(encode)) : misfit)
})

/** Numbers come in typed arrays. */
const isList = (value: unknown): value is ArrayLike<unknown> & Iterable<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && Predicate.isIterable(value))

const struct = (children: ReadonlyArray<Column>): Codec => {
  const names = new Set(children.map(({ name }) => name))
  return {
    decode: (stored) =>
      Predicate.isObject(stored)
        ? Object.fromEntries(children.map(({ decode, name }) => [name, decode(stored[name])]))
        : stored,
    encode: (value) => {
      if (!Predicate.isObject(value) || Object.keys(value).some((key) => !names.has(key))) return misfit
      const fields = children.map(({ encode, name }) => encode(Object.hasOwn(value, name) ? value[name] : null))
      return fields.includes(misfit)
        ? misfit
        : Object.fromEntries(children.map(({ name }, index) => [name, fields[index]]))
    }
  }
}

const map = ({ decode, encode }: Codec): Codec => ({
  decode: (stored) => (Predicate.isObject(stored) ? mapValues(stored, decode) : stored),
  encode: (value) => {
    if (!Predicate.isObject(value)) return misfit
    const fields = Object.entries(value).map(([key, each]) => ({ key, value: encode(each) }))
    return fields.some((field) => field.value === misfit) ? misfit : fields
  }
})

const fitting = (values: ReadonlyArray<unknown>): unknown => (values.includes(misfit) ? misfit : values)

const mapValues = (object: object, f: (value: unknown) => unknown) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, f(value)]))

/** The values of a VARIANT, which have no type of a column. */
const anything: Codec = {
  decode: (stored) => {
    if (isList(stored) && !(stored instanceof Uint8Array)) return Array.from(stored, anything.decode)
    if (stored instanceof Date) return stored.toISOString()
    if (stored instanceof Uint8Array) return Leaf.codec({ name: "", type: "BYTE_ARRAY" }).decode(stored)
    if (Predicate.isObject(stored)) return mapValues(stored, anything.decode)
    return Leaf.ofNumber(Leaf.ofBigInt(stored))
  },
  encode: () => misfit
}

/** A type that is read and not written. */
const replacedIn = (tree: SchemaTree): string | undefined => {
  const { logical_type: logical, type } = tree.element
  if (type === "INT96") return "INT96"
  if (logical !== undefined && notWritten.has(logical.type)) return logical.type
  const key = isMapLike(tree) ? tree.children[0]?.children[0]?.element : undefined
  const isText = key?.converted_type === "UTF8" || key?.logical_type?.type === "STRING"
  return key === undefined || isText ? undefined : "MAP with keys that are no texts"
}

const notWritten = new Set(["VARIANT", "GEOMETRY", "GEOGRAPHY", "FILE"])

/** The elements of the column that a writer uses in place of one that it has to replace. */
export const substitute = ({ elements: [element], name, replaced }: Column): ReadonlyArray<SchemaElement> => {
  const common = { name, repetition_type: "OPTIONAL" } as const
  if (element?.type === "INT96") {
    return [{ ...common, type: "INT64", logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "NANOS" } }]
  }
  const isGeometry = element?.type === "BYTE_ARRAY" && replaced !== undefined
  return [
    { ...common, type: "BYTE_ARRAY", ...(!isGeometry && { converted_type: "JSON", logical_type: { type: "JSON" } }) }
  ]
}

/** The element as the writer needs it: it knows a decimal by its older name only. */
const written = ({ logical_type: logical, ...element }: AnyElement): SchemaElement => {
  if (logical === undefined || logical.type === "FILE") return element
  if (logical.type !== "DECIMAL") return { ...element, logical_type: logical }
  const { precision, scale } = logical
  return { ...element, converted_type: "DECIMAL", precision, scale, logical_type: logical }
}
