// A process that reads the SQLite file named on its command line, prints the number of its letters, and ends.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import * as Sqlite from "../../src/run/Sqlite.ts"

SqlClient.use((sql) => sql`SELECT COUNT(*) FROM letters`.values).pipe(
  Effect.flatMap(([row]) => Console.log(String(row?.[0]))),
  Effect.provide(Sqlite.layerReader({ path: process.argv[2] ?? "" })),
  Effect.catch((error) => Console.log(error.message)),
  NodeRuntime.runMain
)
