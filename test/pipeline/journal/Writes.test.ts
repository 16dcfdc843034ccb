import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { sqlite } from "./databases.ts"
import { answerOf, begun, callOf } from "./runs.ts"

describe("a journal that cannot be written", () => {
  it.effect("fails all writes of the commit, keeps what is stored, and stores again when there is room", () =>
    Effect.gen(function* () {
      const { counts, finish, outputs, outputSize, replies, totals } = yield* Journal.Journal
      const sql = yield* SqlClient
      yield* finish("a", `"A"`)
      const pages = Number((yield* sql`PRAGMA page_count`.values)[0]?.[0])
      yield* sql`PRAGMA max_page_count = ${sql.literal(String(pages))}`
      const long = `"${"b".repeat(100_000)}"`
      const [one, other] = yield* Effect.all(
        [Effect.flip(finish("b", long)), Effect.flip(replies.save([answerOf(callOf("c"))]))],
        { concurrency: 2 }
      )
      assert.match(
        one.message,
        /^the journal failed: .*state\.sqlite: database or disk is full; make room on the disk and run again: the stored/
      )
      assert.match(other.message, /^the replies cannot be stored: .*state\.sqlite: database or disk is full; make room/)
      assert.deepStrictEqual(yield* counts, { done: 1, failed: 0, pending: 2 })
      assert.strictEqual((yield* totals).run.calls, 0)
      yield* sql`PRAGMA max_page_count = 10000`
      yield* finish("b", long)
      assert.deepStrictEqual(yield* Stream.runCollect(outputs), [`"A"`, long])
      assert.strictEqual(yield* outputSize, 4 + long.length + 1)
    }).pipe(Effect.provide(Layer.provideMerge(begun(["a", "b", "c"]), sqlite.layer)))
  )

  it.effect("names the file and the remedy if the file is read-only", () =>
    Effect.gen(function* () {
      const { finish } = yield* Journal.Journal
      yield* SqlClient.use((sql) => sql`PRAGMA query_only = 1`)
      const error = yield* Effect.flip(finish("a", `"A"`))
      assert.match(
        error.message,
        /state\.sqlite: attempt to write a readonly database; make the file and its folder writable, or use another file$/
      )
    }).pipe(Effect.provide(Layer.provideMerge(begun(["a"]), sqlite.layer)))
  )
})

describe("a commit", () => {
  it.effect("takes the later of two results of a row", () =>
    Effect.gen(function* () {
      const { counts, fail, finish, outputs, pending } = yield* Journal.Journal
      yield* Stream.runDrain(pending("all"))
      yield* Effect.all([fail("a", "{}"), finish("a", `"A"`), finish("b", `"B"`)], { concurrency: 3 })
      assert.deepStrictEqual(yield* Stream.runCollect(outputs), [`"A"`, `"B"`])
      assert.deepStrictEqual(yield* counts, { done: 2, failed: 0, pending: 0 })
    }).pipe(Effect.provide(Layer.provide(begun(["a", "b"]), sqlite.layer)))
  )
})
