import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { lines, program } from "./cli.ts"
import { jobOf, world } from "./work/jobs.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe.skipIf(missing)(`effect-claude run --database${missing}`, () => {
  it.live("submits once, watches again with the same command, and writes the output", () =>
    Effect.gen(function* () {
      const { ledger, submitting, working } = yield* world(TEST_DATABASE_URL)
      const job = jobOf(20)
      const first = yield* Effect.forkChild(submitting(job))
      yield* until(Effect.map(statusOf(job.name), ({ code }) => code === 0))
      yield* Fiber.interrupt(first)
      const { signals } = yield* working(job.job)
      const { code, stderr, stdout } = yield* submitting(job, "--json")
      assert.strictEqual(code, 0)
      assert.include(stderr, `${job.name}: submitted before to postgres://`)
      assert.include(stderr, "workers join with: effect-claude worker --database postgres://")
      assert.include(stderr, "20 of 20 rows done")
      assert.deepInclude(JSON.parse(stdout), { total: 20, done: 20, failed: 0, calls: 20, emulated: true })
      assert.lengthOf(lines(job.output), 20)
      assert.lengthOf(yield* ledger, 20)
      signals.send("SIGTERM")
    }).pipe(Effect.scoped)
  )

  it.live("has limits for all workers, which the same command and set change, and status shows", () =>
    Effect.gen(function* () {
      const { ledger, submitting, working } = yield* world(TEST_DATABASE_URL, 50)
      const job = jobOf(120)
      const first = yield* Effect.forkChild(submitting(job, "--concurrency", "3", "--budget", "9 USD"))
      yield* until(Effect.map(statusOf(job.name), ({ code }) => code === 0))
      yield* Fiber.interrupt(first)
      const ends = yield* Effect.forkChild(submitting(job, "--concurrency", "1"))
      const { signals } = yield* working(job.job)
      yield* until(Effect.map(ledger, ({ length }) => length > 2))
      assert.include(
        (yield* statusOf(job.name)).stdout,
        "All workers together have 1 call at once and a budget of 9 USD."
      )
      const place = [TEST_DATABASE_URL, "--job", job.name]
      const { code, stdout } = yield* program(["set", ...place, "--concurrency", "8", "--budget", "2 USD"])
      assert.deepStrictEqual(
        [code, stdout],
        [
          0,
          `"${job.name}": up to 8 calls are in flight at once, over all workers\n` +
            `"${job.name}": the budget of the job is 2 USD, for all workers together\n`
        ]
      )
      assert.include(
        (yield* statusOf(job.name)).stdout,
        "All workers together have 8 calls at once and a budget of 2 USD."
      )
      assert.deepInclude(yield* Fiber.join(ends), { code: 0 })
      signals.send("SIGTERM")
    }).pipe(Effect.scoped)
  )

  it.live("is done for status when every row has ended, although its workers wait for more", () =>
    Effect.gen(function* () {
      const { submitting, working } = yield* world(TEST_DATABASE_URL)
      const job = jobOf(5)
      const { signals } = yield* working(job.job)
      assert.strictEqual((yield* submitting(job)).code, 0)
      const { code, stdout } = yield* Effect.timeout(statusOf(job.name, "--watch"), "4 seconds")
      assert.strictEqual(code, 0)
      assert.match(stdout, /^Every row has ended; ready for more: 1 worker\.$/m)
      assert.match(stdout, /: idle · /)
      assert.notInclude(stdout, "rows/s")
      signals.send("SIGTERM")
    }).pipe(Effect.scoped)
  )

  it.live("shows in its status why its last worker stopped, also while it is watched", () =>
    Effect.gen(function* () {
      const { submitting, working } = yield* world(TEST_DATABASE_URL)
      const job = jobOf(10)
      yield* Effect.forkChild(submitting(job, "--budget", "0.000001 USD"))
      yield* until(Effect.map(statusOf(job.name), ({ code }) => code === 0))
      assert.match((yield* statusOf(job.name)).stdout, /^No worker is on: start workers\.$/m)
      const { ends } = yield* working(job.job)
      assert.strictEqual((yield* Fiber.join(ends)).code, 3)
      const { stdout } = yield* statusOf(job.name)
      assert.match(stdout, /^No worker is on: start workers\. The last one stopped: .*budget/m)
      assert.notInclude(stdout, "killed")
    }).pipe(Effect.scoped)
  )

  it.live("refuses flags that exclude each other", () =>
    Effect.gen(function* () {
      const { submitting } = yield* world(TEST_DATABASE_URL)
      const { code, stderr } = yield* submitting(jobOf(1), "--keep", "--rerun")
      assert.deepStrictEqual([code, stderr], [2, "effect-claude: --keep and --rerun exclude each other\n"])
    }).pipe(Effect.scoped)
  )
})

describe("a database of a job that cannot be reached", () => {
  it.live("is named with the flag of the command, and ends it with the code for commands that may be repeated", () =>
    Effect.gen(function* () {
      const database = "postgres://user@127.0.0.1:1/none"
      const { submitting, working } = yield* world(database)
      const job = jobOf(1)
      const { code, stderr } = yield* submitting(job)
      assert.deepStrictEqual([code, stderr.trimEnd().endsWith("(flag: --database)")], [3, true])
      const ended = yield* Fiber.join((yield* working(job.job)).ends)
      assert.deepStrictEqual([ended.code, ended.stderr.trimEnd().endsWith("(flag: --database)")], [3, true])
    }).pipe(Effect.scoped)
  )
})

// Builders

const statusOf = (job: string, ...flags: ReadonlyArray<string>) =>
  program(["status", TEST_DATABASE_URL, "--job", job, ...flags])

const until = (condition: Effect.Effect<boolean>) =>
  Effect.repeat(Effect.delay(condition, "50 millis"), { until: (isMet) => isMet })
