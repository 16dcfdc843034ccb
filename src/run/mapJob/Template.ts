/**
 * A text with columns in it: `Summarise {{body}}`. A name may be a path into a value, as in `{{author.name}}`, and a
 * column that some rows lack has a question mark: `{{note?}}`. `\{{` is `{{` itself. Values are put in as they are: what
 * looks like a column in a value is text.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Mistake } from "./Mistake.ts"

/** A row of an input: its columns with their values. */
export type Row = Readonly<Record<string, unknown>>

/** A name between braces, and its place in the text. */
export interface Column {
  readonly name: string
  readonly at: number
}

/** Texts and columns in their order. */
export type Template = ReadonlyArray<string | Column>

/** Reads a text. */
export const parse = (text: string): Result.Result<Template, Mistake> => {
  const parts: Array<string | Column> = []
  let done = 0
  for (const { 0: opening, index: at } of text.matchAll(/\\?\{\{/g)) {
    parts.push(text.slice(done, at))
    done = at + opening.length
    if (opening.startsWith("\\")) {
      parts.push("{{")
      continue
    }
    const [whole, name = ""] = /^([^\n]*?)\}\}/.exec(text.slice(done)) ?? []
    if (whole === undefined || name.includes("{{")) {
      return Result.fail({ at, detail: "this {{ has no }}; close it, or write \\{{ for braces that are text" })
    }
    if (name.trim() === "") return Result.fail({ at, detail: "these braces name no column; write {{column}}" })
    parts.push({ name, at })
    done += whole.length
  }
  return Result.succeed([...parts, text.slice(done)].filter((part) => part !== ""))
}

/** The columns of a template, each place of each. */
export const columnsOf = (template: Template): ReadonlyArray<Column> =>
  template.filter((part): part is Column => !Predicate.isString(part))

/** Fills in a row. A column that the row lacks is empty; `find` tells whether it does. */
export const render = (template: Template, row: Row): string =>
  template.map((part) => (Predicate.isString(part) ? part : textOf(Option.getOrNull(find(row, part.name))))).join("")

/** The value of a name in a row. A column of exactly this name comes first, whatever characters the name has. */
export const find = (row: Row, written: string): Option.Option<unknown> => {
  if (Object.hasOwn(row, written)) return Option.some(row[written])
  const name = written.trim()
  if (Object.hasOwn(row, name)) return Option.some(row[name])
  if (isOptional(name)) return Option.some(Option.getOrNull(find(row, name.slice(0, -1))))
  let value: unknown = row
  for (const key of name.split(".")) {
    if (!Predicate.isObjectOrArray(value) || !Object.hasOwn(value, key)) return Option.none()
    value = Reflect.get(value, key)
  }
  return Option.some(value)
}

/** Whether a row may lack the column of this name. */
export const isOptional = (name: string): boolean => name.trim().endsWith("?")

/** A text as it is, nothing for null, and any other value as JSON. */
export const textOf = (value: unknown): string => {
  if (Predicate.isString(value)) return value
  if (Predicate.isNullish(value)) return ""
  return Predicate.isBigInt(value) ? String(value) : JSON.stringify(value)
}
