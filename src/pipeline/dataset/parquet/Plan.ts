/**
 * Which columns a Parquet file gets. A column of an input keeps its type, and a column of the results has that of their
 * schema, if all values fit; the values decide the type of any other column.
 */
import { parquetSchema } from "hyparquet"
import type { SchemaElement } from "hyparquet-writer"
import * as Columns from "../Columns.ts"
import { misfit } from "./Codec.ts"
import * as Column from "./Column.ts"
import * as Shape from "./Shape.ts"

/** The columns of a file, and what could not be kept. */
export interface Plan {
  readonly columns: ReadonlyArray<Column.Column>
  /** A sentence for each known column that gets another type. */
  readonly changes: ReadonlyArray<string>
}

/** What is known before the rows. */
export interface Known {
  /** Columns of other files with the same rows. */
  readonly columns: ReadonlyArray<Column.Column>
  /** Columns that are in every file, also if no row has them, and their types where they are known. */
  readonly results: ReadonlyMap<string, Shape.Shape | undefined>
}

/** Looks at all rows before the first one is written. */
export const make = (known: Known) => {
  const names = Columns.make()
  const types = new Map(known.columns.map((column) => [column.name, column]))
  names.add([...known.results.keys()])
  for (const [name, shape] of known.results) {
    types.delete(name)
    if (shape !== undefined) types.set(name, ofElements(Shape.elements(name, shape)))
  }
  const seen = new Map<string, Seen>()

  const add = (row: Readonly<Record<string, unknown>>) => {
    const keys = Object.keys(row)
    names.add(keys)
    for (const name of keys) {
      const column = seen.get(name) ?? see(types.get(name))
      seen.set(name, column)
      look(column, row[name])
    }
  }

  const end = (total: number): Plan => {
    const changes: Array<string> = []
    const columns = names.names.map((name) => {
      const { fits, isNullable, known, rows, shape } = seen.get(name) ?? see(types.get(name))
      const now = fits ?? ofElements(Shape.elements(name, shape))
      if (known !== undefined && (fits === undefined || known.replaced !== undefined)) {
        changes.push(`the column "${name}" was ${typeOf(known)} and is now ${typeOf(now)}`)
      }
      return isNullable || rows < total ? optional(now) : now
    })
    return { columns, changes }
  }

  return { add, end }
}

/** What a column holds. */
interface Seen {
  readonly known: Column.Column | undefined
  /** The known column, or its substitute, as long as all values fit. */
  fits: Column.Column | undefined
  isNullable: boolean
  shape: Shape.Shape
  rows: number
}

const see = (known: Column.Column | undefined): Seen => {
  const fits = known?.replaced === undefined ? known : ofElements(Column.substitute(known))
  return { known, fits, isNullable: false, shape: Shape.nothing, rows: 0 }
}

const look = (seen: Seen, value: unknown) => {
  seen.rows += 1
  if (value === null) seen.isNullable = true
  else if (seen.fits?.encode(value) === misfit) seen.fits = undefined
  seen.shape = Shape.add(seen.shape, value)
}

const optional = (column: Column.Column): Column.Column => {
  const [element, ...children] = column.elements
  if (element?.repetition_type !== "REQUIRED") return column
  return ofElements([{ ...element, repetition_type: "OPTIONAL" }, ...children])
}

/** The column of the elements of a schema. */
export const ofElements = (elements: ReadonlyArray<SchemaElement>): Column.Column => {
  const [tree] = parquetSchema(metadata([{ name: "root", num_children: 1 }, ...elements])).children
  // A schema of one column has one column.
  return Column.of(tree ?? { children: [], count: 1, element: { name: "" }, path: [] })
}

const metadata = (schema: Array<SchemaElement>) => ({
  version: 2,
  schema,
  num_rows: 0n,
  row_groups: [],
  metadata_length: 0
})

/** The type of a column in a message: `DECIMAL(10, 2)`. */
const typeOf = ({ elements: [element], replaced }: Column.Column): string => {
  const {
    converted_type: converted,
    logical_type: logical,
    num_children: children,
    precision,
    scale,
    type
  } = element ?? {
    name: ""
  }
  if (replaced !== undefined) return replaced
  if (converted === "DECIMAL") return `DECIMAL(${precision ?? 38}, ${scale ?? 0})`
  if (logical?.type === "TIMESTAMP" || logical?.type === "TIME") return `${logical.type}(${logical.unit})`
  return logical?.type ?? converted ?? type ?? (children === undefined ? "unknown" : "STRUCT")
}
