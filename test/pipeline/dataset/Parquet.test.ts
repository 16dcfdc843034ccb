import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { NodeCompression } from "effect-claude/node"
import { type ColumnSource, ByteWriter, ParquetWriter, type SchemaElement } from "hyparquet-writer"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import { gzipSync, zstdCompressSync } from "node:zlib"
import * as Formats from "../../../src/pipeline/dataset/Formats.ts"
import * as Parquet from "../../../src/pipeline/dataset/Parquet.ts"

describe("a Parquet file", () => {
  it.effect("gives back the rows that were written, nested ones too", () =>
    inFolder(({ path, read, write }) =>
      Effect.gen(function* () {
        const file = path("rows.parquet")
        yield* write(file, rows)
        assert.deepStrictEqual(yield* read(file), rows)
      })
    )
  )

  it.effect("keeps the types of an input that is Parquet, with every digit", () =>
    inFolder(({ foreign, path, read, schemaOf, write }) =>
      Effect.gen(function* () {
        const input = yield* foreign("input.parquet", typed)
        const rows = yield* read(input)
        assert.deepStrictEqual(rows, [
          {
            id: "9223372036854775807",
            price: "12345678901234567890.123456789",
            at: "2024-02-29T12:00:00.123456Z",
            bytes: "AP8=",
            day: "2024-02-29",
            big: "18446744073709551615"
          }
        ])
        const output = path("output.parquet")
        yield* write(output, rows, input)
        assert.deepStrictEqual(yield* schemaOf(output), yield* schemaOf(input))
        assert.deepStrictEqual(yield* read(output), rows)
      })
    )
  )

  it.effect("names the columns whose types it cannot keep", () =>
    inFolder(({ foreign, path, read, write }) =>
      Effect.gen(function* () {
        const input = yield* foreign("input.parquet", typed)
        const messages: Array<unknown> = []
        const logger = Logger.make(({ message }) => void messages.push(message))
        yield* Effect.provide(write(path("output.parquet"), [{ id: "one" }], input), Logger.layer([logger]))
        assert.deepStrictEqual(messages, [
          ['Parquet cannot keep the types of all columns: the column "id" was INT64 and is now STRING']
        ])
        assert.deepStrictEqual(yield* read(path("output.parquet")), [{ id: "one" }])
      })
    )
  )

  it.effect("is read a row group at a time, with the place of each row", () =>
    inFolder(({ foreign, pages }) =>
      Effect.gen(function* () {
        const id = Array.from({ length: 1000 }, (_, index) => BigInt(index))
        const all = yield* pages(
          yield* foreign("rows.parquet", [{ element: long("id"), data: id }], { rowGroupSize: 300 })
        )
        assert.deepStrictEqual(
          all.map(({ size }) => size),
          [256, 44, 256, 44, 256, 44, 100]
        )
        assert.deepStrictEqual(all.at(-1)?.place(99).number, 1000)
        assert.deepStrictEqual(all.at(-1)?.raw(99), { id: 999 })
      })
    )
  )

  it.effect("is read page by page, with dictionaries, nulls and lists", () =>
    inFolder(({ foreign, read, write, path }) =>
      Effect.gen(function* () {
        const some = Array.from({ length: 2000 }, (_, index) => index)
        const name = (index: number) => (index % 7 === 0 ? null : `name ${index % 5}`)
        const columns = [
          { element: long("id"), data: some.map(BigInt) },
          { element: { name: "name", type: "BYTE_ARRAY", converted_type: "UTF8" } as const, data: some.map(name) }
        ]
        const file = yield* foreign("pages.parquet", columns, { rowGroupSize: 900, pageSize: 200 })
        assert.deepStrictEqual(
          yield* read(file),
          some.map((id) => ({ id, name: name(id) }))
        )
        const lists = some.map((id) => ({ id, name: name(id), list: [id, null] }))
        yield* write(path("lists.parquet"), lists)
        assert.deepStrictEqual(yield* read(path("lists.parquet")), lists)
      })
    )
  )

  it.effect("is read with its pages compressed by gzip or zstd", () =>
    inFolder(({ foreign, read }) =>
      Effect.gen(function* () {
        const data = [{ element: long("id"), data: [1n, 2n] }]
        const compressors = { GZIP: gzipSync, ZSTD: zstdCompressSync }
        for (const codec of ["GZIP", "ZSTD"] as const) {
          const file = yield* foreign(`${codec}.parquet`, data, { codec, compressors })
          assert.deepStrictEqual(yield* read(file), [{ id: 1 }, { id: 2 }])
        }
      })
    )
  )

  it.effect("is refused, with a remedy, if it is cut off, is none, or is compressed as a whole", () =>
    inFolder(({ path, read, write }) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const file = path("rows.parquet")
        yield* write(file, rows)
        yield* fs.writeFile(file, (yield* fs.readFile(file)).slice(0, -10))
        assert.match(
          (yield* Effect.flip(read(file))).message,
          /rows\.parquet: it cannot be read as Parquet \(.*\); check that/
        )
        yield* fs.writeFile(file, new Uint8Array())
        assert.match((yield* Effect.flip(read(file))).message, /it cannot be read as Parquet/)
        const refused = yield* Effect.flip(Formats.of("rows.parquet.gz"))
        assert.match(refused.message, /^rows\.parquet\.gz: a Parquet file is compressed inside/)
      })
    )
  )

  it.effect("without rows has no columns, and no rows when it is read", () =>
    inFolder(({ path, read, write }) =>
      Effect.gen(function* () {
        yield* write(path("empty.parquet"), [])
        assert.deepStrictEqual(yield* read(path("empty.parquet")), [])
      })
    )
  )
})

const rows = [
  {
    key: "a",
    whole: 1,
    part: 1.5,
    yes: true,
    text: "é\n",
    list: [1, null],
    lists: [["a"], []],
    object: { a: 1, b: ["x"] }
  },
  { key: "b", whole: -5, part: 2, yes: null, text: "", list: [], lists: [], object: { a: null, b: null } },
  { key: "c", whole: null, part: null, yes: null, text: null, list: null, lists: null, object: null },
  {
    key: "d",
    whole: 0,
    part: 1e300,
    yes: false,
    text: "x",
    list: [null],
    lists: [null, [null]],
    object: { a: 3, b: [] }
  }
]

interface Source {
  readonly element: SchemaElement
  readonly data: ColumnSource["data"]
}

const long = (name: string): SchemaElement => ({ name, type: "INT64", repetition_type: "REQUIRED" })

const typed: ReadonlyArray<Source> = [
  { element: long("id"), data: [2n ** 63n - 1n] },
  {
    element: {
      name: "price",
      type: "FIXED_LEN_BYTE_ARRAY",
      type_length: 16,
      converted_type: "DECIMAL",
      precision: 38,
      scale: 9,
      repetition_type: "OPTIONAL"
    },
    data: [12345678901234567890123456789n]
  },
  {
    element: {
      name: "at",
      type: "INT64",
      logical_type: { type: "TIMESTAMP", isAdjustedToUTC: false, unit: "MICROS" },
      repetition_type: "OPTIONAL"
    },
    data: [1709208000123456n]
  },
  { element: { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" }, data: [Uint8Array.of(0, 255)] },
  { element: { name: "day", type: "INT32", converted_type: "DATE", repetition_type: "OPTIONAL" }, data: [19782] },
  { element: { ...long("big"), converted_type: "UINT_64" }, data: [2n ** 64n - 1n] }
]

/** Files in a temporary folder. */
const inFolder = <A, E, R>(test: (files: Effect.Success<typeof makeFiles>) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(makeFiles, test).pipe(Effect.scoped, Effect.provide([NodeServices.layer, NodeCompression.layer]))

const makeFiles = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped()
  const path = (name: string) => `${folder}/${name}`
  const pages = (file: string) => Stream.runCollect(Parquet.format.read(Formats.open(file)))
  return {
    path,
    pages,
    read: (file: string) =>
      Effect.map(pages(file), (pages) =>
        pages.flatMap(({ raw, size }) => Array.from({ length: size }, (_, index) => raw(index)))
      ),
    write: (file: string, rows: ReadonlyArray<unknown>, source?: string) => {
      const lines = Stream.fromIterable(rows.map((row) => JSON.stringify(row)))
      const known = source === undefined ? {} : { files: [source] }
      return Stream.run(Parquet.format.write(lines, known), fs.sink(file))
    },
    schemaOf: (file: string) =>
      Effect.promise(async () => {
        const { asyncBufferFromFile, parquetMetadataAsync } = await import("hyparquet")
        const { schema } = await parquetMetadataAsync(await asyncBufferFromFile(file))
        return schema.slice(1)
      }),
    /** Writes a file as another program would. */
    foreign: (name: string, columns: ReadonlyArray<Source>, options: object = {}) =>
      Effect.gen(function* () {
        const writer = new ByteWriter()
        const root = { name: "root", num_children: columns.length }
        const schema = [root, ...columns.map(({ element }) => element)]
        const file = new ParquetWriter({ writer, schema, ...options })
        void file.write({ columnData: columns.map(({ data, element }) => ({ name: element.name, data })), ...options })
        void file.finish()
        yield* fs.writeFile(path(name), writer.getBytes())
        return path(name)
      })
  }
})
