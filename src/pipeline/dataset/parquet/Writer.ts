/**
 * Writes lines of JSON as a Parquet file. It runs them twice: first to find the type of each column, then to write them, a
 * row group at a time.
 */
import { ByteWriter, ParquetWriter } from "hyparquet-writer"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Columns from "../Columns.ts"
import type * as Column from "./Column.ts"
import * as Plan from "./Plan.ts"

export { of as shapesOf } from "./ResultShape.ts"

/** Encodes lines. `report` receives what could not be kept of the known columns. */
export const encode = <E, R>(
  lines: Stream.Stream<string, E, R>,
  known: Plan.Known,
  report: (changes: ReadonlyArray<string>) => Effect.Effect<void>
): Stream.Stream<Uint8Array, E, R> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const plan = Plan.make(known)
      let total = 0
      yield* Stream.runForEachArray(lines, (chunk) =>
        Effect.sync(() => {
          total += chunk.length
          for (const line of chunk) plan.add(Columns.parse(line))
        })
      )
      const { changes, columns } = plan.end(total)
      if (changes.length > 0) yield* report(changes)
      const file = open(columns)
      return Stream.mapAccumArray(
        lines,
        () => groupOf(columns),
        (group, chunk) => {
          for (const line of chunk) group.add(line)
          if (!group.isFull()) return [group, []] as const
          return [groupOf(columns), [file.write(group)]] as const
        },
        { onHalt: (group) => [...(group.size() > 0 ? [file.write(group)] : []), file.end()] }
      )
    })
  )

/** A row group is full at this many rows or characters of JSON. A reader holds its lists and structs. */
const fullRows = 50_000
const fullLength = 64_000_000

/** Bytes of a page. A reader holds a page of each column, and what is small does not survive the young generation. */
const pageSize = 8 * 1024

/** Rows that are written together, by column. */
const groupOf = (columns: ReadonlyArray<Column.Column>) => {
  const values = columns.map((): Array<unknown> => [])
  let size = 0
  let length = 0
  const add = (line: string) => {
    const row = Columns.parse(line)
    for (const [index, { encode, name }] of columns.entries()) {
      values[index]?.push(Object.hasOwn(row, name) ? encode(row[name]) : null)
    }
    size += 1
    length += line.length
  }
  return { values, add, size: () => size, isFull: () => size >= fullRows || length >= fullLength }
}

/** The file as a writer of bytes. */
const open = (columns: ReadonlyArray<Column.Column>) => {
  const writer = new ByteWriter()
  const root = { name: "schema", num_children: columns.length }
  const file = new ParquetWriter({ writer, schema: [root, ...columns.flatMap(({ elements }) => elements)] })
  const take = () => {
    const bytes = new Uint8Array(writer.getBuffer())
    writer.index = 0
    return bytes
  }
  const write = ({ size, values }: ReturnType<typeof groupOf>) => {
    const columnData = columns.map(({ name }, index) => ({ name, data: values[index] ?? [] }))
    file.write({ columnData, rowGroupSize: size(), pageSize })
    return take()
  }
  const end = () => {
    file.finish()
    return take()
  }
  return { write, end }
}
