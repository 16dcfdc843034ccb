#!/usr/bin/env bash
# Guess: a transaction fails with an SqlError when its connection is lost, as a statement outside of one does, so that
#   Effect.retry and Effect.catchTag("SqlError") see it.
# Seen: sql.withTransaction dies. The rollback on the lost connection fails too, and then the error of the statement
#   becomes a defect, beside that of the rollback: no catch of errors and no retry applies to it. Migrations run in such a
#   transaction, so a restart of the server during one is a defect too.
# Versions: @effect/sql-pg 4.0.5, effect 4.1.0, PostgreSQL 15, Node 24.
# Source: the run below, on a PostgreSQL server: TEST_DATABASE_URL=postgres://user@host/database.
# For users: turn defects that are an SqlError into errors again around each transaction:
#   Effect.catchDefect((defect) => isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect)), and retry outside of it.
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
  // The server closes the connection that runs this statement.
  const lost = sql`SELECT pg_terminate_backend(pg_backend_pid())`
  const reasons = (effect) =>
    Effect.map(Effect.sandbox(effect).pipe(Effect.flip), (cause) =>
      cause.reasons.map((reason) => `${reason._tag} ${(reason.error ?? reason.defect)._tag}`)
    )
  return {
    statement: yield* reasons(lost),
    transaction: yield* reasons(sql.withTransaction(lost)),
    caught: yield* sql.withTransaction(lost).pipe(
      Effect.catchTag("SqlError", () => Effect.succeed("as an error")),
      Effect.catchDefect(() => Effect.succeed("as a defect"))
    )
  }
}).pipe(Effect.scoped, Effect.provide(PgClient.layer({ url: Redacted.make(process.env.TEST_DATABASE_URL) })))

const seen = await Effect.runPromise(program)
console.log(seen)
assert.deepEqual(seen, {
  statement: ["Fail SqlError"],
  transaction: ["Die SqlError", "Die SqlError"],
  caught: "as a defect"
})
JS
node run.js
