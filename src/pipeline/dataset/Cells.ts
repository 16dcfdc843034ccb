/**
 * Turns the cells of a table into the JSON form of a schema. A cell stays a text unless the schema takes no text there, so
 * leading zeros survive. Effect's `Schema.toCodecStringTree` reads texts too, but refuses an empty cell where null is
 * allowed, has no lists in a cell, and gives other messages than the same mistake in a JSON file.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"

/** A cell that has no value: the field is left out. */
const absent = Symbol("absent")

/** Makes a cell what the schema wants. A cell that cannot be that stays as it is, and the schema refuses it. */
type Fit = (cell: unknown) => unknown

/** What the JSON form of a schema takes. */
interface Kinds {
  readonly text: boolean
  readonly number: boolean
  readonly boolean: boolean
  readonly null: boolean
  readonly literals: ReadonlySet<unknown>
  readonly lists: ReadonlyArray<SchemaAST.Arrays>
  readonly objects: ReadonlyArray<SchemaAST.Objects>
}

/**
 * Makes rows of cells the JSON form of the schema: an empty cell is null or no field where the schema has that, `12` a
 * number, `true`, `FALSE`, 1 and 0 a boolean, and `[…]` and `{…}` what they are as JSON. In the lines of results that are no
 * objects, the column `value` has the result.
 */
export const fit = (schema: Schema.Constraint): ((row: unknown) => unknown) => {
  const ast = SchemaAST.toEncoded(Schema.toCodecJson(schema).ast)
  const kinds = kindsOf([ast])
  const isFixed = kinds.objects.length > 0 && kinds.objects.every(({ indexSignatures }) => indexSignatures.length === 0)
  const fields = fieldsOf(kinds)
  const value = fitOf([ast])
  return (row) => {
    if (!Predicate.isObject(row)) return row
    if (!isFixed && "key" in row && "value" in row && Object.keys(row).length === 2) {
      return { ...row, value: value(row.value) }
    }
    return fields(row)
  }
}

const kindsOf = (types: ReadonlyArray<SchemaAST.AST>): Kinds => {
  const members = types.flatMap(membersOf)
  const has = (guard: (ast: SchemaAST.AST) => boolean) => members.some(guard)
  const isAny = has((ast) => SchemaAST.isUnknown(ast) || SchemaAST.isAny(ast) || SchemaAST.isDeclaration(ast))
  return {
    text: isAny || has(SchemaAST.isString) || has(SchemaAST.isTemplateLiteral),
    number: has(SchemaAST.isNumber),
    boolean: has(SchemaAST.isBoolean),
    null: has(SchemaAST.isNull),
    literals: new Set(members.flatMap((ast) => (SchemaAST.isLiteral(ast) ? [ast.literal] : []))),
    lists: members.filter(SchemaAST.isArrays),
    objects: members.filter(SchemaAST.isObjects)
  }
}

const membersOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isUnion(ast)) return ast.types.flatMap(membersOf)
  return SchemaAST.isSuspend(ast) ? membersOf(ast.thunk()) : [ast]
}

/** Fits a cell that may be any of the types. */
const fitOf = (types: ReadonlyArray<SchemaAST.AST>, isOptional = false): Fit => {
  const kinds = kindsOf(types)
  const empty = (cell: unknown) => (kinds.null ? null : isOptional ? absent : cell)
  // Any JSON.
  if (kinds.text && kinds.lists.length + kinds.objects.length > 0) return (cell) => cell ?? empty(cell)
  const fromText = textFit(kinds, empty)
  const fromList = listFit(kinds)
  const fromObject = fieldsOf(kinds)
  return (cell) => {
    if (Predicate.isString(cell)) return fromText(cell)
    if (Predicate.isNumber(cell)) return numberFit(kinds, cell)
    if (Predicate.isNullish(cell)) return empty(cell)
    if (Array.isArray(cell)) return fromList(cell)
    return Predicate.isObject(cell) ? fromObject(cell) : cell
  }
}

const textFit = (kinds: Kinds, empty: Fit): ((text: string) => unknown) => {
  const literals = [...kinds.literals]
  const isNumber = kinds.number || literals.some(Predicate.isNumber)
  const isBoolean = kinds.boolean || literals.some(Predicate.isBoolean)
  const isNested = kinds.lists.length + kinds.objects.length > 0
  const hasLiterals = literals.length > 0
  return (text) => {
    // Without a literal, a long text needs no hash.
    if (hasLiterals && kinds.literals.has(text)) return text
    if (text === "") return empty(text)
    if (kinds.text) return text
    const number = isNumber ? numberOf(text) : undefined
    if (number !== undefined) return number
    const word = text.trim().toLowerCase()
    if (isBoolean && words.has(word)) return words.get(word)
    if (kinds.null && word === "null") return null
    return isNested && /^[[{]/.test(word) ? jsonOf(text) : text
  }
}

const jsonOf = (text: string) =>
  Result.getOrElse(
    Result.try((): unknown => JSON.parse(text)),
    () => text
  )

const words: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false]
])

/** The number of a text, unless JavaScript would read another one: one that is written in another way. */
const numberOf = (text: string): number | undefined => {
  if (!/^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/.test(text)) return undefined
  const number = Number(text)
  const isLongInteger = text.length > 15 && /^\s*[+-]?\d+\s*$/.test(text)
  const isInexact = isLongInteger && BigInt(text.trim()) !== BigInt(number) && text.trim() !== String(number)
  return isInexact || !Number.isFinite(number) ? undefined : number
}

/** A table has no booleans in some formats, and whole numbers where the JSON form of the schema has a text. */
const numberFit = (kinds: Kinds, number: number): unknown => {
  if (kinds.number || kinds.literals.has(number)) return number
  if (kinds.boolean && (number === 0 || number === 1)) return number === 1
  return kinds.text ? String(number) : number
}

const listFit = ({ lists: [list] }: Kinds) => {
  if (list === undefined) return (cells: ReadonlyArray<unknown>) => cells
  const elements = list.elements.map((type) => once(() => fitOf([type])))
  const [rest] = list.rest.map((type) => once(() => fitOf([type])))
  return (cells: ReadonlyArray<unknown>) => cells.map((cell, index) => (elements[index] ?? rest)?.(cell) ?? cell)
}

/** Fits the fields of an object. Of a union, each field may be what any member has there. */
const fieldsOf = ({ objects }: Kinds) => {
  const names = new Set(objects.flatMap((object) => object.propertySignatures.map(({ name }) => String(name))))
  const named = Array.from(names, (name) => {
    const all = objects.map((object) => object.propertySignatures.find((field) => String(field.name) === name))
    const types = all.flatMap((field) => (field === undefined ? [] : [field.type]))
    const isOptional = all.includes(undefined) || types.some(SchemaAST.isOptional)
    return { name, fit: once(() => fitOf(types, isOptional)) }
  })
  const others = objects.flatMap(({ indexSignatures }) => indexSignatures.map(({ type }) => type))
  const other = others.length === 0 ? undefined : once(() => fitOf(others))
  return (row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
    let fitted: Record<string, unknown> | undefined
    let isShorter = false
    const set = (name: string, fit: Fit) => {
      const cell = row[name]
      const value = fit(cell)
      if (value === cell) return
      // A copy of a row is faster than an object that grows. It has each field, so that assigning one sets no prototype.
      fitted ??= { ...row }
      fitted[name] = value
      isShorter ||= value === absent
    }
    for (const { fit, name } of named) if (Object.hasOwn(row, name)) set(name, fit)
    if (other !== undefined) for (const name of Object.keys(row)) if (!names.has(name)) set(name, other)
    if (fitted === undefined || !isShorter) return fitted ?? row
    return Object.fromEntries(Object.entries(fitted).filter(([, value]) => value !== absent))
  }
}

/** Follows a recursive schema only as far as the cells do. */
const once = (make: () => Fit): Fit => {
  let made: Fit | undefined
  return (cell) => (made ??= make())(cell)
}
