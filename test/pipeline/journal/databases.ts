/**
 * The databases on which a journal is tested. Each layer creates a new file or schema, and removes it.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { SqlClient } from "effect/sql/SqlClient"
import * as Sqlite from "../../../src/run/Sqlite.ts"

const url = process.env["TEST_DATABASE_URL"]

let schemas = 0

/** Commits do not wait for the disk. */
const schema = (maxConnections?: number): Layer.Layer<SqlClient, unknown> =>
  Layer.suspend(() => {
    const name = `journal_${process.pid}_${schemas++}`
    const client = PgClient.layer({
      url: Redacted.make(url ?? ""),
      applicationName: name,
      startupParameters: { search_path: name, synchronous_commit: "off" },
      ...(maxConnections !== undefined && { maxConnections })
    })
    const created = Layer.effectDiscard(
      Effect.flatMap(SqlClient, (sql) =>
        Effect.acquireRelease(sql`CREATE SCHEMA ${sql(name)}`, () =>
          Effect.orDie(sql`DROP SCHEMA ${sql(name)} CASCADE`)
        )
      )
    )
    return Layer.provideMerge(created, client)
  })

const path = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "journal-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
).pipe(Effect.map((folder) => join(folder, "state.sqlite")))

/** An SQLite file. */
export const sqlite = {
  name: "SQLite",
  layer: Layer.unwrap(Effect.map(path, (file) => Sqlite.layer({ path: file }))),
  missing: ""
}

/** A schema in PostgreSQL. `missing` is the reason why its tests are skipped; add it to their titles. */
export const postgres = {
  name: "PostgreSQL",
  layer: schema(),
  /** Its pool has one connection. */
  single: schema(1),
  missing:
    url === undefined
      ? ": TEST_DATABASE_URL is not set (docker run -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres)"
      : ""
}
