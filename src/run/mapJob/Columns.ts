/**
 * The columns of an input, from its header or its first rows, before all of it is read.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Dataset from "../../pipeline/Dataset.ts"
import * as Nearest from "../Nearest.ts"
import * as Template from "./Template.ts"

/** A row of any columns. */
export const Row: Schema.Codec<Template.Row> = Schema.Record(Schema.String, Schema.Unknown)

/** The header of an input, where its format has one, and its first rows. */
export interface Sample {
  readonly header: ReadonlyArray<string> | undefined
  readonly rows: ReadonlyArray<Template.Row>
}

/** How many rows decide whether a column exists. */
const size = 100

/** Reads the beginning of an input. Rows that cannot be read are left out; the run reports them. */
export const sample = Effect.fnUntraced(function* <E, R>(source: Dataset.Dataset<Template.Row, E, R>) {
  const header = yield* Dataset.columns(source)
  const rows = yield* source.rows.pipe(Stream.take(size), Stream.runCollect)
  return { header, rows: rows.flatMap((row) => (Result.isSuccess(row) ? [row.success.value] : [])) } satisfies Sample
})

/** What is wrong with a column that the input does not have, with the nearest names; undefined where it has it. */
export const problemOf = (written: string, { header, rows }: Sample): string | undefined => {
  const known = header === undefined ? rows : [Object.fromEntries(header.map((column) => [column, ""])), ...rows]
  // A header names all columns, so every row has them.
  const name = header !== undefined && !header.includes(written.trim()) ? written.trim().replace(/\?$/, "") : written
  if (known.length === 0 || known.some((row) => Option.isSome(Template.find(row, name)))) return undefined
  const names = namesOf(name, known)
  const nearest = names.length === 0 ? "rows have no columns" : `the nearest are ${Nearest.named(name.trim(), names)}`
  return `there is no column "${name.trim()}"; ${nearest}`
}

/** How many rows of the sample have this column and nothing in it. A column that some rows may lack counts nowhere. */
export const emptyIn = (name: string, { rows }: Sample): number =>
  Template.isOptional(name)
    ? 0
    : rows.filter((row) =>
        Option.exists(
          Template.find(row, name),
          (value) => value === null || (Predicate.isString(value) && value.trim() === "")
        )
      ).length

/** Whether a column of exactly this name is in the header or in a row. */
export const has = (name: string, { header = [], rows }: Sample): boolean =>
  header.includes(name) || rows.some((row) => Object.hasOwn(row, name))

/** All columns of the sample; for a path such as `author.nme`, also the names in `author`. */
const namesOf = (name: string, rows: Sample["rows"]): ReadonlyArray<string> => {
  const parent = name.trim().split(".").slice(0, -1).join(".")
  const names = rows.flatMap((row) => {
    const inner = parent === "" ? undefined : Option.getOrUndefined(Template.find(row, parent))
    const paths = Predicate.isObject(inner) ? Object.keys(inner).map((key) => `${parent}.${key}`) : []
    return [...Object.keys(row), ...paths]
  })
  return [...new Set(names)]
}
