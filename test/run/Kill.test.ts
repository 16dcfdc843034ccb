/**
 * Kills a job of three steps at random moments until it is done. `KILLS` and `ROWS` are the numbers of kills and of rows:
 * `KILLS=100 ROWS=10000 npx vitest run test/run/Kill.test.ts` takes several minutes.
 */
import { assert, describe, it } from "@effect/vitest"
import { Emulator } from "effect-claude/testing"
import { Context, Effect, Layer, Random } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { at, folder, lines, program, runOf } from "./cli.ts"
import { killed } from "./killed.ts"

const { KILLS, NODE_COMPILE_CACHE = "", PATH = "", ROWS = "60", TEST_DATABASE_URL } = process.env
const rows = Number(ROWS)
const inFlight = rows < 1000 ? 8 : 64
const calls = 3 * rows
const latency = 50

interface Way {
  readonly name: string
  readonly flags: ReadonlyArray<string>
  /** Milliseconds that an undisturbed run takes at least. */
  readonly length: number
  /** Calls that each kill may make the job pay for again. */
  readonly lost: number
  readonly missing?: string
}

const database = TEST_DATABASE_URL ?? ""
const missing =
  TEST_DATABASE_URL === undefined ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""
const direct = { flags: ["--concurrency", String(inFlight)], length: (calls * latency) / inFlight, lost: inFlight }
const batches = { flags: ["--mode", "batches"], length: 3 * 900, lost: 0 }

const ways: ReadonlyArray<Way> = [
  { name: "with direct calls, on SQLite", ...direct },
  { name: "with Message Batches, on SQLite", ...batches },
  { name: "with direct calls, on PostgreSQL", ...direct, flags: [...direct.flags, "--state", database], missing },
  { name: "with Message Batches, on PostgreSQL", ...batches, flags: [...batches.flags, "--state", database], missing }
]

describe("a job that is killed at any moment and resumed", () => {
  for (const { flags, length, lost, missing, name } of ways) {
    const most = Number(KILLS ?? (missing === undefined ? 2 : 1))
    it.live.skipIf(missing)(
      `has every row once, as undisturbed, and pays for no finished call twice: ${name}${missing ?? ""}`,
      () =>
        Effect.gen(function* () {
          const undisturbed = yield* world
          assert.deepInclude(yield* program(runOf(undisturbed.files), { env: at(undisturbed.url) }), { code: 0 })

          const { files, ledger, url } = yield* world
          const job = `three steps, ${process.pid} ${yield* Random.nextInt}`
          const env = { NODE_COMPILE_CACHE, PATH, ...at(url), JOB_NAME: job }
          let kills = 0
          for (let isDone = false; !isDone && kills < most;) {
            const patience = yield* Random.nextIntBetween(0, Math.max(200, (1.5 * length) / most))
            const { code, signal, stderr } = yield* Effect.promise(() => killed(runOf(files, ...flags), env, patience))
            assert.isTrue(code === 0 || signal === "SIGKILL", stderr)
            isDone = code === 0
            kills += isDone ? 0 : 1
          }
          const last = yield* Effect.promise(() => killed(runOf(files, ...flags), env, Infinity))
          assert.strictEqual(last.code, 0, last.stderr)

          assert.isAtLeast(kills, 1)
          assert.strictEqual(new Set(lines(files.output).map(({ key }) => key)).size, rows)
          assert.isTrue(
            readFileSync(files.output, "utf8") === readFileSync(undisturbed.files.output, "utf8"),
            "the output is that of an undisturbed run"
          )
          const billed = yield* ledger
          assert.strictEqual(new Set(billed.map(({ requestHash }) => requestHash)).size, calls)
          assert.isAtMost(billed.length - calls, lost * kills)
        }).pipe(Effect.scoped),
      60_000 + 10_000 * most + 100 * rows
    )
  }
})

// Builders

/** An emulator with 2% faults, and a folder for the files of a job. */
const world = Effect.map(
  Layer.build(
    Emulator.layerServer({
      latency,
      batchProcessing: 300,
      faults: [
        { kind: 529, rate: 0.01 },
        { kind: "reset", rate: 0.01 }
      ]
    })
  ),
  (context) => ({
    ...Context.get(context, Emulator.Emulator),
    files: { ...folder(rows), job: join(import.meta.dirname, "threeSteps.job.ts") }
  })
)
