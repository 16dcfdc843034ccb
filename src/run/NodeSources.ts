/**
 * Opens the inputs that need Node: compressed files, queries on a database (`sqlite:file.db?select …` and
 * `postgres://host/database?select …`), and standard input (`-`).
 */
import { Buffer } from "node:buffer"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { SqlClient } from "effect/sql/SqlClient"
import * as Dataset from "../pipeline/Dataset.ts"
import * as NodeCompression from "./NodeCompression.ts"
import * as Postgres from "./Postgres.ts"
import * as Sqlite from "./Sqlite.ts"
import * as Stdin from "./Stdin.ts"

const open: Dataset.OpenSource = Effect.fnUntraced(function* (address) {
  if (address === "-") return yield* Stdin.source
  const [, file = "", select = ""] = /^sqlite:([^?]+)\??(.*)$/s.exec(address) ?? []
  if (file !== "") return yield* sqlite(file, select)
  return Postgres.isAddress(address) ? yield* postgres(address) : undefined
})

/** What inputs need besides the file system. */
export const layer: Layer.Layer<never> = Layer.merge(NodeCompression.layer, Layer.succeed(Dataset.Sources, open))

const sqlite = Effect.fnUntraced(function* (path: string, query: string) {
  if (query.trim() === "") return yield* refuse(path, `write a query after the file: "sqlite:${path}?select …"`)
  const rows = Stream.mapError(
    Sqlite.query(path, query),
    ({ detail }) => new Dataset.DatasetFailed({ path, detail: `${detail}; correct the query or the file` })
  )
  return sourceOf(path, rows)
})

const postgres = Effect.fnUntraced(function* (address: string) {
  const at = address.search(/\?\s*(?:select|with|values|table)\b/i)
  const url = at === -1 ? address : address.slice(0, at)
  const place = Postgres.withoutSecrets(url)
  if (at === -1) return yield* refuse(place, `write a query after the address: "${place}?select …"`)
  // A connection for this input only: the rows of a stream keep it busy.
  const client = Layer.build(Layer.fresh(Postgres.layer(url)))
  const rows = Stream.unwrap(
    Effect.map(client, (context) =>
      Stream.provide(
        Stream.unwrap(SqlClient.useSync((sql) => sql.unsafe<object>(address.slice(at + 1)).stream)),
        Layer.succeedContext(context)
      )
    )
  )
  const failed = Stream.mapError(rows, (error) => {
    const detail = error._tag === "SqlError" ? `${Postgres.messageOf(error)}; correct the query` : error.detail
    return new Dataset.DatasetFailed({ path: place, detail })
  })
  return sourceOf(
    place,
    Stream.mapArray(failed, (page) => [page] as const)
  )
})

const refuse = (path: string, detail: string) => Effect.fail(new Dataset.DatasetFailed({ path, detail }))

/** Rows of a table as a source. */
const sourceOf = (
  source: string,
  pages: Stream.Stream<ReadonlyArray<unknown>, Dataset.DatasetFailed, FileSystem.FileSystem>
): Dataset.Source => ({
  values: "cells",
  pages: Stream.mapAccum(
    pages,
    () => 0,
    (first, page) => [first + page.length, [pageOf(source, first, page.map(toJson))]]
  )
})

const pageOf = (source: string, first: number, rows: ReadonlyArray<unknown>): Dataset.EncodedPage => {
  const [row] = rows
  return {
    size: rows.length,
    value: (index) => Result.succeed(rows[index]),
    place: (index) => ({ source, unit: "row", number: first + index + 1 }),
    raw: (index) => rows[index],
    bytes: Buffer.from(JSON.stringify(rows)),
    ...(Predicate.isObject(row) && { columns: Object.keys(row) })
  }
}

/** A value of a database as JSON: large whole numbers and dates as text, bytes in Base64. */
const toJson = (value: unknown): unknown => {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value instanceof Date) return value.toJSON()
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64")
  if (Array.isArray(value)) return value.map(toJson)
  if (!Predicate.isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, toJson(part)]))
}
