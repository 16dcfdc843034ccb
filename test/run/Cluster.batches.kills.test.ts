/**
 * Runs a job of three steps in batches on several processes. The process that sends the batches is killed once, and once it
 * is frozen and loses its connection. `ROWS` makes it long.
 */
import { assert, describe, it } from "@effect/vitest"
import { Emulator } from "effect-claude/testing"
import { Context, Effect, Fiber, Layer, Random, Schema } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import * as Postgres from "../../src/run/Postgres.ts"
import { at, folder, lines, runOf } from "./cli.ts"

const { NODE_COMPILE_CACHE = "", PATH = "", ROWS = "60", TEST_DATABASE_URL = "" } = process.env
const rows = Number(ROWS)
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe("a job in batches on several processes", () => {
  it.live.skipIf(missing)(
    `has every row once and pays for no call twice when senders and workers are killed, frozen and cut off${missing}`,
    () =>
      Effect.gen(function* () {
        const { env, files, job, ledger } = yield* world
        const submitting = yield* Effect.forkChild(
          finished(runOf(files, "--database", TEST_DATABASE_URL, "--mode", "batches"), env)
        )
        const running = new Map<number, ChildProcess>()
        const start = Effect.sync(() => {
          const child = worker(files.job, env)
          running.set(child.pid ?? 0, child)
        })
        yield* Effect.addFinalizer(() => Effect.sync(() => running.forEach((child) => child.kill("SIGKILL"))))
        yield* Effect.all([start, start, start])

        const first = yield* sending(job, 0)
        yield* until(Effect.map(openBatches(job), (open) => open > 0))
        running.get(first.pid)?.kill("SIGKILL")
        running.delete(first.pid)
        const killedAt = yield* now
        const second = yield* sending(job, first.run)
        assert.isBelow(second.beganAt - killedAt, 5000)
        // A process that waits for answers.
        const waiting = [...running.keys()].find((pid) => pid !== second.pid)
        running.get(waiting ?? 0)?.kill("SIGKILL")
        running.delete(waiting ?? 0)
        yield* Effect.all([start, start])

        yield* until(Effect.map(openBatches(job), (open) => open > 0))
        running.get(second.pid)?.kill("SIGSTOP")
        yield* cutOff(job)
        const third = yield* sending(job, second.run)
        assert.notStrictEqual(third.pid, second.pid)
        yield* Effect.sleep("7 seconds")
        running.get(second.pid)?.kill("SIGCONT")

        const { code, stderr } = yield* Fiber.join(submitting)
        assert.strictEqual(code, 0, stderr)
        assert.strictEqual(new Set(lines(files.output).map(({ key }) => key)).size, rows)
        const billed = yield* ledger
        assert.deepStrictEqual(
          [billed.length, new Set(billed.map(({ requestHash }) => requestHash)).size],
          [3 * rows, 3 * rows]
        )
      }).pipe(Effect.scoped, Effect.provide(Postgres.layer(TEST_DATABASE_URL))),
    120_000
  )
})

// Builders

const world = Effect.gen(function* () {
  const options = { batchProcessing: "3 seconds" } as const
  const emulator = Context.get(yield* Layer.build(Emulator.layerServer(options)), Emulator.Emulator)
  const job = `three steps in batches, ${process.pid} ${yield* Random.nextInt}`
  return {
    ...emulator,
    job,
    env: { NODE_COMPILE_CACHE, PATH, ...at(emulator.url), JOB_NAME: job },
    files: { ...folder(rows), job: join(import.meta.dirname, "threeSteps.job.ts") }
  }
})

const main = ["--conditions=effect-claude-source", "src/run/main.ts"]

const finished = (args: ReadonlyArray<string>, env: Record<string, string>) =>
  Effect.callback<{ readonly code: number | null; readonly stderr: string }>((resume) => {
    const child = spawn(process.execPath, [...main, ...args], { env })
    let stderr = ""
    child.stderr.on("data", (data) => (stderr += data))
    child.on("exit", (code) => resume(Effect.succeed({ code, stderr })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** A process that works on a job. Its name ends with its number. */
const worker = (job: string, env: Record<string, string>): ChildProcess =>
  spawn(process.execPath, [...main, "worker", job, "--database", TEST_DATABASE_URL], { env, stdio: "ignore" })

const now = Effect.flatMap(
  SqlClient.use((sql) => sql`SELECT CAST(EXTRACT(EPOCH FROM CLOCK_TIMESTAMP()) * 1000 AS DOUBLE PRECISION) AS now`),
  (rows) =>
    Effect.map(
      Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ now: Schema.Finite })]))(rows),
      ([{ now }]) => now
    )
)

const Sender = Schema.Struct({
  run: Schema.Int,
  beganAt: Schema.Finite,
  settings: Schema.fromJsonString(Schema.Struct({ worker: Schema.String }))
})

/** Waits for a sender after this run. */
const sending = (job: string, after: number) =>
  Effect.repeat(
    Effect.delay(
      SqlClient.use(
        (sql) => sql`SELECT r.run, CAST(r.began_at AS DOUBLE PRECISION) AS "beganAt", r.settings
          FROM effect_claude_runs r JOIN effect_claude_jobs j ON j.id = r.job
          WHERE j.name = ${job} AND r.sends = 1 AND r.run > ${after} ORDER BY r.run DESC LIMIT 1`
      ).pipe(
        Effect.flatMap(Schema.decodeUnknownEffect(Schema.Array(Sender))),
        Effect.orElseSucceed(() => [])
      ),
      "50 millis"
    ),
    { until: (found) => found.length > 0 }
  ).pipe(
    Effect.flatMap(([found]) => (found === undefined ? Effect.die("there is no sender") : Effect.succeed(found))),
    Effect.map(({ beganAt, run, settings }) => ({ run, beganAt, pid: Number(settings.worker.split(" ").at(-1)) }))
  )

const openBatches = (job: string) =>
  SqlClient.use((sql) =>
    Effect.map(
      sql`SELECT 1 FROM effect_claude_batches b JOIN effect_claude_jobs j ON j.id = b.job
          WHERE j.name = ${job} AND b.ended = 0 AND b.batch_id IS NOT NULL`,
      (found) => found.length
    )
  )

/** Closes the connection of the sender. */
const cutOff = (job: string) =>
  SqlClient.use(
    (sql) => sql`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
      AND (CAST(classid AS BIGINT) << 32) | CAST(objid AS BIGINT)
        = hashtextextended(current_schema() || ' ' || ${`effect-claude batches ${job}`}, 0)`
  )

const until = <E, R>(condition: Effect.Effect<boolean, E, R>) =>
  Effect.repeat(Effect.delay(condition, "50 millis"), { until: (isMet) => isMet })
