import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import * as Layer from "effect/Layer"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { postgres } from "./databases.ts"
import { answerOf, begun, callOf, tickets } from "./runs.ts"

describe.skipIf(postgres.missing !== "")(`a job in PostgreSQL${postgres.missing}`, () => {
  it.effect("is forgotten by the statement of docs/command-line.md, which leaves other jobs as they are", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* run("tickets")
      const tables = (yield* sql<{ name: string }>`SELECT table_name AS name FROM information_schema.tables
        WHERE table_schema = current_schema() AND table_name <> 'effect_claude_migrations' ORDER BY 1`).map(
        ({ name }) => name
      )
      const counts = Effect.forEach(tables, (name) => sql`SELECT CAST(count(*) AS INTEGER) AS rows FROM ${sql(name)}`)
      const before = yield* counts
      yield* run("mails")
      assert.notDeepEqual(yield* counts, before)
      const [, statement = ""] = /```sql\n([^]*?)```/.exec(readFileSync("docs/command-line.md", "utf8")) ?? []
      for (const name of tables) assert.include(statement, `DELETE FROM ${name} `)
      assert.deepStrictEqual(yield* sql.unsafe(statement), [{ jobs: 1n }])
      assert.deepStrictEqual(yield* counts, before)
    }).pipe(Effect.provide(postgres.layer))
  )
})

/** A run that has a row with an answer and a result. */
const run = (job: string) =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    yield* journal.replies.save([answerOf(callOf("a"))])
    yield* journal.finish("a", "1")
  }).pipe(Effect.provide(Layer.fresh(begun(["a"], { ...tickets, job }))))
