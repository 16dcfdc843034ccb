#!/usr/bin/env bash
# Guess: the message of a failed statement says what the server reported, as with the drivers pg and postgres.js, and a
#   statement may have 65,535 parameters, the limit of PostgreSQL's protocol.
# Seen: message, String(error) and the printed cause of @effect/sql-pg are "PgConnection: Query failed" for every fault of
#   a statement. The server's text is in error.reason.cause.message, and JSON.stringify leaves it out there too: it keeps
#   the code, the position and even the line of the server's source. A statement of more than 32,767 parameters is refused
#   before it is sent.
# Versions: @effect/sql-pg 4.0.5, effect 4.1.0, PostgreSQL 15, Node 24.
# Source: the run below, on a PostgreSQL server: TEST_DATABASE_URL=postgres://user@host/database.
# For users: log `error.reason.cause` and its message, or a violated constraint cannot be told from a typing error. Insert
#   lists in groups of at most 32,767 divided by the number of columns.
set -euo pipefail
: "${TEST_DATABASE_URL:?set it to a PostgreSQL database, such as postgres://root@127.0.0.1:5432/test}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund effect@4.1.0 @effect/sql-pg@4.0.5
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { PgClient } from "@effect/sql-pg"

const program = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`CREATE TEMP TABLE numbers (number INTEGER PRIMARY KEY)`
  yield* sql`INSERT INTO numbers VALUES (1)`
  const duplicate = yield* Effect.flip(sql`INSERT INTO numbers VALUES (1)`)
  const many = (count) => sql`INSERT INTO numbers ${sql.insert(Array.from({ length: count }, (_, n) => ({ number: n + 2 })))}`
  yield* many(32_767)
  yield* sql`DELETE FROM numbers`
  const tooMany = yield* Effect.flip(many(32_768))
  return {
    message: duplicate.message,
    text: String(duplicate),
    inJson: JSON.stringify(duplicate).includes("duplicate key"),
    ofServer: duplicate.reason.cause.message,
    "32,768 parameters": tooMany.reason.cause.message
  }
}).pipe(Effect.scoped, Effect.provide(PgClient.layer({ url: Redacted.make(process.env.TEST_DATABASE_URL), maxConnections: 1 })))

const seen = await Effect.runPromise(program)
console.log(seen)
assert.deepEqual(seen, {
  message: "PgConnection: Query failed",
  text: "effect/sql/SqlError: PgConnection: Query failed",
  inJson: false,
  ofServer: 'duplicate key value violates unique constraint "numbers_pkey"',
  "32,768 parameters": "Bind parameter count exceeds 32767: 32768"
})
JS
node run.js
