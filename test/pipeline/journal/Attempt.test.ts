import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import * as Journal from "../../../src/pipeline/Journal.ts"
import * as Sqlite from "../../../src/run/Sqlite.ts"
import { sqlite } from "./databases.ts"
import { begun, tickets } from "./runs.ts"

it.effect("names the state and the remedy where another program has changed its content", () =>
  Effect.gen(function* () {
    yield* Effect.provide(Journal.Journal, begun(["a"]))
    yield* SqlClient.use((sql) => sql`UPDATE effect_claude_jobs SET source = '{'`)
    const error = yield* Effect.flip(Effect.provide(Journal.Journal, Journal.layer(tickets)))
    assert.match(
      error.message,
      /^the journal failed: \S+state\.sqlite: its content is not that of a journal: .* at \[0\]\["source"\]; .* restore a copy/
    )
  }).pipe(Effect.provide(sqlite.layer))
)

it.effect("names the state once where the client has a relative path", () =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "journal-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    )
    const path = relative(".", join(folder, "state.sqlite"))
    const error = yield* Effect.gen(function* () {
      const journal = yield* Journal.Journal
      yield* SqlClient.use((sql) => sql`DROP TABLE effect_claude_results`)
      return yield* Effect.flip(journal.finish("a", "1"))
    }).pipe(Effect.provide(Layer.provideMerge(begun(["a"]), Sqlite.layer({ path }))))
    assert.strictEqual(error.message, `the journal failed: ${path}: no such table: effect_claude_results`)
  })
)
