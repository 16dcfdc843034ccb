#!/usr/bin/env bash
# Guess: the migrator of Effect runs every migration that has not run yet, and notices one that changed its name.
# Seen: it looks only at the highest number that has run. A migration with a lower number that arrives later, as when two
#   branches are merged, never runs, and neither does another program's migration 1 in the same table. Both are silent.
# Versions: effect 4.1.0, @effect/sql-pg 4.0.5, PostgreSQL 15, Node 24.
# Source: the run below, on a PostgreSQL server: TEST_DATABASE_URL=postgres://user@host/database.
# For users: number migrations by the time at which they are merged, and give each program, and each library that brings
#   migrations, its own `table`.
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
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { Migrator, SqlClient } from "effect/sql"

const table = `finding_${process.pid}`
const migrate = (...names) =>
  Effect.map(
    Migrator.make({})({ table, loader: Migrator.fromRecord(Object.fromEntries(names.map((name) => [name, Effect.void]))) }),
    (ran) => ran.map(([, name]) => name)
  )

const program = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.addFinalizer(() => Effect.orDie(sql`DROP TABLE IF EXISTS ${sql(table)}`))
  const first = yield* migrate("0001_users", "0003_mails")
  const merged = yield* migrate("0001_users", "0002_names", "0003_mails")
  const foreign = yield* migrate("0001_orders", "0002_prices")
  return { first, merged, foreign }
})

const live = PgClient.layer({ url: Redacted.make(process.env.TEST_DATABASE_URL) })
const seen = await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(live)))
console.log(seen)
assert.deepEqual(seen, { first: ["users", "mails"], merged: [], foreign: [] })
JS
node run.js
