// A process that opens the SQLite file named on its command line, writes one row, prints "holding", and waits.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import * as Sqlite from "../../src/run/Sqlite.ts"

Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`CREATE TABLE IF NOT EXISTS letters (letter TEXT)`
  yield* sql`INSERT INTO letters VALUES (${"a"})`
  yield* Console.log("holding")
  return yield* Effect.never
}).pipe(
  Effect.provide(Sqlite.layer({ path: process.argv[2] ?? "" })),
  Effect.catch((error) => Console.log(error.message)),
  NodeRuntime.runMain
)
