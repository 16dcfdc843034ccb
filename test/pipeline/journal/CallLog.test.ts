import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import * as Usage from "../../../src/claude/Usage.ts"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { migrations } from "../../../src/pipeline/journal/Tables.ts"
import { postgres, sqlite } from "./databases.ts"
import { answerOf, begun, callOf, tickets } from "./runs.ts"

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`the log of calls in ${name}${missing}`, () => {
    it.effect("has the times and the origin of a reply, and its run", () =>
      Effect.gen(function* () {
        const { replies } = yield* Journal.Journal
        const timing = { startedAt: 1_000, duration: 812.4, firstToken: 95.2 }
        yield* replies.save([{ ...answerOf(callOf("a")), timing }, answerOf(callOf("a", { path: "b" }), "batch")])
        assert.deepStrictEqual(
          yield* rows("SELECT path, run, duration, first_token, origin FROM effect_claude_calls ORDER BY path"),
          [
            ["b", 1, null, null, "batch"],
            ["sort", 1, 812, 95, "api"]
          ]
        )
      }).pipe(Effect.provide(Layer.provideMerge(begun(["a"]), database)))
    )

    it.effect("has the attempts without a reply and the minutes of a run, which the next write stores", () =>
      Effect.gen(function* () {
        const journal = yield* Journal.Journal
        yield* journal.lost("a", attempt)
        yield* journal.lost("a", { ...attempt, usage: Usage.zero, cost: BigDecimal.fromStringUnsafe("0.01") })
        journal.minute(29_000_000, { waits: { "rate-limit": { calls: 1, milliseconds: 20 } } })
        journal.minute(29_000_000, { limits: { "claude-haiku-4": { requests: 50 } } })
        assert.deepStrictEqual(yield* rows("SELECT reason FROM effect_claude_attempts"), [])
        yield* journal.finish("a", `{"key":"a"}`)
        assert.deepStrictEqual(
          yield* rows("SELECT reason, status, duration, billed FROM effect_claude_attempts ORDER BY id"),
          [
            ["Overloaded", 529, 3, null],
            ["Overloaded", 529, 3, `{"usage":${JSON.stringify(Usage.zero)},"cost":"0.01"}`]
          ]
        )
        assert.deepStrictEqual(yield* rows("SELECT run, minute, detail FROM effect_claude_minutes"), [
          [1, 29_000_000, `{"limits":{"claude-haiku-4":{"requests":50}}}`]
        ])
      }).pipe(Effect.provide(Layer.provideMerge(begun(["a"]), database)))
    )

    it.effect("has the beginning, the settings and the end of each run", () =>
      Effect.gen(function* () {
        yield* Effect.flatMap(Journal.Journal, ({ end }) =>
          end({ outcome: "limit", detail: undefined, invalid: 2 })
        ).pipe(Effect.provide(begun(["a"], { ...tickets, settings: { mode: "direct", worker: "host-1" } })))
        yield* Effect.provide(Journal.Journal, begun(["a"]))
        const runs =
          yield* rows(`SELECT run, settings, outcome, invalid, failed, CASE WHEN began_at IS NULL THEN 0 ELSE 1 END,
          CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END FROM effect_claude_runs ORDER BY run`)
        assert.deepStrictEqual(runs, [
          [1, `{"mode":"direct","worker":"host-1"}`, "limit", 2, 0, 1, 1],
          [2, "{}", null, null, null, 1, 0]
        ])
      }).pipe(Effect.provide(database))
    )

    it.effect("is empty for the calls of a state of version 6, which stay", () =>
      Effect.gen(function* () {
        const earlier = Object.fromEntries(Object.entries(migrations).filter(([name]) => Number.parseInt(name) <= 6))
        yield* Migrator.make({})({ loader: Migrator.fromRecord(earlier), table: "effect_claude_migrations" })
        const sql = yield* SqlClient
        yield* sql`INSERT INTO effect_claude_jobs ${sql.insert({ name: "tickets", shape: JSON.stringify(tickets.shape), run: 1, emulated: 0, has_replies: 1 })}`
        yield* sql`INSERT INTO effect_claude_runs ${sql.insert({ job: 1, run: 1, claimed: 1, total: 1, calls: 1, cost: "0.00105" })}`
        yield* sql`INSERT INTO effect_claude_rows ${sql.insert({ job: 1, name: "a", run: 1, ordinal: 0, state: 0, size: 0 })}`
        yield* sql`INSERT INTO effect_claude_calls ${sql.insert({
          row_id: 1,
          path: "sort",
          hash: "0a1b",
          occurrence: 0,
          rejected: 0,
          checksum: "",
          message: "{}"
        })}`
        const { totals } = yield* Effect.provide(Journal.Journal, begun(["a"]))
        assert.strictEqual((yield* totals).all.calls, 1)
        assert.deepStrictEqual(yield* rows("SELECT path, run, duration, origin FROM effect_claude_calls"), [
          ["sort", null, null, null]
        ])
        assert.deepStrictEqual(yield* rows("SELECT run, began_at FROM effect_claude_runs WHERE run = 1"), [[1, null]])
      }).pipe(Effect.provide(database))
    )
  })
}

// Builders

const rows = (statement: string) => SqlClient.use((sql) => sql.unsafe(statement).values)

const attempt: Journal.LostAttempt = {
  path: "sort",
  model: "claude-haiku-4-5",
  startedAt: 1_000,
  duration: 3.2,
  reason: "Overloaded",
  code: undefined,
  status: 529,
  requestId: undefined,
  usage: undefined,
  cost: undefined
}
