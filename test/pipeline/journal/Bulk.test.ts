import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import * as Bulk from "../../../src/pipeline/journal/Bulk.ts"
import { sqlite } from "./databases.ts"

it.effect("writes any number of rows with statements of few sizes", () =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* sql`CREATE TABLE numbers (number INTEGER, square INTEGER)`
    const sizes: Array<number> = []
    const insert = Bulk.make(sql, 2, (values) => {
      sizes.push(values.split("), (").length)
      return `INSERT INTO numbers VALUES ${values}`
    })
    let written = 0
    for (const count of [0, 1, 3, 64, 107, 200]) {
      const rows = Array.from({ length: count }, (_, index) => [written + index, (written + index) ** 2])
      yield* Effect.scoped(Effect.flatMap(sql.reserve, (connection) => insert(connection, rows)))
      written += count
    }
    const stored = yield* sql`SELECT number, square FROM numbers ORDER BY rowid`.values
    assert.deepStrictEqual(
      stored,
      Array.from({ length: 375 }, (_, number) => [number, number ** 2])
    )
    assert.deepStrictEqual(sizes, [1, 2, 64, 32, 8])
  }).pipe(Effect.provide(sqlite.layer))
)
