import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as JobLock from "../../../src/pipeline/journal/JobLock.ts"
import * as LockHolders from "../../../src/pipeline/journal/LockHolders.ts"
import * as Job from "../../../src/pipeline/Job.ts"
import * as Journal from "../../../src/pipeline/Journal.ts"
import * as TestClaude from "../../../src/testing/TestClaude.ts"
import { calls, greetings, inFolder, names } from "../jobs.ts"
import type { JournalFailed } from "../../../src/pipeline/journal/JournalError.ts"
import { postgres } from "./databases.ts"
import { begun } from "./runs.ts"

describe.skipIf(postgres.missing !== "")(`a run on PostgreSQL${postgres.missing}`, () => {
  it.effect("fails to store when the server closes its connections, and resumes later", () =>
    Effect.gen(function* () {
      yield* Effect.gen(function* () {
        const { finish } = yield* Journal.Journal
        yield* finish("a", `"A"`)
        yield* closeConnections()
        const error = yield* Effect.flip(finish("b", `"B"`))
        assert.match(
          error.message,
          /^the journal failed: the PostgreSQL database \w+: .*; check that the server runs, and run again: what is stored/
        )
        assert.instanceOf(yield* Effect.flip(finish("c", `"C"`)), Journal.JournalFailed)
      }).pipe(Effect.provide(begun(["a", "b", "c"])))
      const journal = yield* Effect.provide(Journal.Journal, begun(["a", "b", "c"]))
      assert.deepStrictEqual(yield* journal.counts, { done: 1, failed: 0, pending: 2 })
    }).pipe(Effect.provide(postgres.layer))
  )

  it.effect("refuses a pooler in transaction mode, whose sessions do not belong to a connection", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const [one, other] = [yield* sql.reserve, yield* sql.reserve]
      let statements = 0
      const pooled: Connection = {
        ...one,
        executeValues: (statement, values) => (statements++ % 2 === 0 ? one : other).executeValues(statement, values)
      }
      const pooler = Object.assign(sql.withoutTransforms(), { reserve: Effect.succeed(pooled) })
      for (const take of [JobLock.share, JobLock.take]) {
        const error = yield* Effect.flip<unknown, SqlError | JournalFailed, Scope.Scope>(take(pooler, "pooled"))
        assert.include(error.message, "a pooler in transaction mode")
      }
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.effect("stops a job when the server closes its connections, and the next run pays for the other rows only", () =>
    inFolder(({ lines, output }) =>
      Effect.gen(function* () {
        const job = greetings(names(10))
        const run = (change: (journal: Journal.Journal["Service"]) => Journal.Journal["Service"]) =>
          Job.run(job, { output, concurrency: 1 }).pipe(
            Effect.updateService(Journal.Journal, change),
            Effect.provide(Journal.layer({ job: job.name, shape: Job.shape(job) }))
          )
        const sql = yield* SqlClient
        const close = Effect.orDie(Effect.provideService(closeConnections(), SqlClient, sql))
        const first = yield* run((journal) => ({
          ...journal,
          finish: (key, line) => Effect.andThen(key === "person 5" ? close : Effect.void, journal.finish(key, line))
        }))
        assert.deepInclude(first, { done: 5, failed: 0, pending: 5 })
        assert.match(String(first.stopped), /check that the server runs, and run again: what is stored is kept/)
        assert.deepInclude(yield* run((journal) => journal), { done: 10, failed: 0, pending: 0, stopped: undefined })
        assert.lengthOf(yield* lines, 10)
        assert.lengthOf(yield* calls, 10)
      }).pipe(Effect.provide([postgres.layer, TestClaude.layer("Hello.")]))
    )
  )

  it.effect("can write nothing once the connection that holds its lock is lost, and another run has begun", () =>
    Effect.gen(function* () {
      const first = yield* Journal.Journal
      yield* Stream.runDrain(first.pending("all"))
      yield* closeConnections("AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')")
      yield* Effect.gen(function* () {
        const second = yield* Journal.Journal
        const error = yield* Effect.flip(first.finish("a", `"first"`))
        assert.instanceOf(error, Journal.JournalFailed)
        yield* second.finish("a", `"second"`)
        assert.instanceOf(yield* Effect.flip(first.finish("a", `"first"`)), Journal.JournalFailed)
        assert.deepStrictEqual(yield* Stream.runCollect(second.outputs), [`"second"`])
      }).pipe(Effect.provide(begun(["a", "b"])))
    }).pipe(Effect.provide(Layer.provideMerge(begun(["a", "b"]), postgres.layer)))
  )
})

describe.skipIf(postgres.missing !== "")(`the lock of a job on PostgreSQL${postgres.missing}`, () => {
  it.live("is shared by processes that work together, and keeps out a run of one process", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const shared = yield* Effect.all([JobLock.share(sql, "a"), JobLock.share(sql, "a")])
      assert.isTrue(shared.every((share) => share !== undefined))
      assert.strictEqual(yield* LockHolders.sharers(sql, "a"), 2)
      assert.isUndefined(yield* JobLock.take(sql, "a"))
      assert.isDefined(yield* JobLock.take(sql, "another job"))
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("goes to the process that waits for it, and meanwhile to no further process", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const scope = yield* Scope.make()
      const share = yield* Scope.provide(JobLock.share(sql, "a"), scope)
      assert.isFalse(yield* share?.isWanted ?? Effect.succeed(true))
      const waiting = yield* Effect.forkChild(JobLock.take(sql, "a", true))
      yield* wanted(share)
      assert.isUndefined(yield* JobLock.share(sql, "a"))
      yield* Scope.close(scope, Exit.void)
      assert.isDefined(yield* Fiber.join(waiting))
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("can be given up while a process waits for it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const scope = yield* Scope.make()
      const share = yield* Scope.provide(JobLock.share(sql, "a"), scope)
      const waiting = yield* Effect.forkChild(Effect.scoped(JobLock.take(sql, "a", true)))
      yield* wanted(share)
      assert.isDefined(Option.getOrUndefined(yield* Effect.timeoutOption(endOf(waiting), "5 seconds")))
      assert.isFalse(yield* share?.isWanted ?? Effect.succeed(true))
      yield* Scope.close(scope, Exit.void)
      assert.isDefined(yield* JobLock.take(sql, "a"))
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )
})

// Builders

/** Interrupts a fiber, and waits for its end. */
const endOf = (fiber: Fiber.Fiber<unknown, unknown>) => {
  fiber.interruptUnsafe()
  return Fiber.await(fiber)
}

/** Waits until a process waits for the lock. */
const wanted = (share: JobLock.Shared | undefined) =>
  Effect.repeat(Effect.delay(share?.isWanted ?? Effect.succeed(true), "20 millis"), { until: (isWanted) => isWanted })

/** Closes connections of this test, but for the one that asks for it. */
const closeConnections = (condition = "") =>
  SqlClient.use(
    (sql) => sql`SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
      WHERE pid <> pg_backend_pid() AND application_name = current_setting('application_name') ${sql.literal(condition)}`
  )
