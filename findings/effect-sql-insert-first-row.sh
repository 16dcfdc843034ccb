#!/usr/bin/env bash
# Guess: sql.insert of several rows writes every value that the rows hold, or fails.
# Seen: it takes the columns from the first row. A value whose key the first row lacks is not written, and no error says
#   so. A key that a later row lacks becomes NULL, although the column has a default, which the same row gets when it
#   comes first.
# Versions: effect 4.1.0, @effect/sql-pg 4.0.5, PostgreSQL 15, Node 24.21.0. The same code serves the other databases.
# Source: the run below, on a PostgreSQL server: TEST_DATABASE_URL=postgres://user@host/database.
# For users: rows of JSONL, or answers of a model with optional fields, have different keys. Give each row the same keys
#   (null where there is nothing) before you insert them together, or insert rows with the same keys as one group.
set -euo pipefail
: "${TEST_DATABASE_URL:?set it to a PostgreSQL database, such as postgres://root@127.0.0.1:5432/test}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund node@24.21.0 effect@4.1.0 @effect/sql-pg@4.0.5
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql/SqlClient"

/** What the table holds after an insert of these rows. */
const inserted = (rows) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const insert = sql`INSERT INTO answers ${sql.insert(rows)} RETURNING *`
    yield* sql`CREATE TEMP TABLE answers (id INTEGER, label TEXT, language TEXT DEFAULT 'en')`
    return yield* insert
  }).pipe(
    Effect.provide(PgClient.layer({ url: Redacted.make(process.env.TEST_DATABASE_URL), maxConnections: 1 })),
    Effect.runPromise
  )

const seen = {
  "the second row has more": await inserted([{ id: 1 }, { id: 2, label: "spam" }]),
  "the second row has less": await inserted([{ id: 1, language: "de" }, { id: 2 }])
}
console.log(seen)
assert.deepEqual(seen, {
  "the second row has more": [{ id: 1, label: null, language: "en" }, { id: 2, label: null, language: "en" }],
  "the second row has less": [{ id: 1, label: null, language: "de" }, { id: 2, label: null, language: null }]
})
JS
node_modules/.bin/node run.js
