import { assert, describe, it } from "@effect/vitest"
import { Emulator } from "effect-claude/testing"
import { Context, Effect, Layer, Random, Schedule } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { at, folder, lines, program, runOf } from "./cli.ts"

const { NODE_COMPILE_CACHE = "", PATH = "", TEST_DATABASE_URL } = process.env

const places = [
  { name: "SQLite", state: undefined, missing: "" },
  {
    name: "PostgreSQL",
    state: TEST_DATABASE_URL ?? "",
    missing:
      TEST_DATABASE_URL === undefined ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""
  }
]

for (const { missing, name, state } of places) {
  describe.skipIf(missing !== "")(`the run of another process, on ${name}${missing}`, () => {
    it.live(
      "is paused, changed and resumed from here, and stays paused where it is killed and starts again",
      () =>
        Effect.gen(function* () {
          const { billed, control, job, settled, start, status, until } = yield* world(state, 20)
          const first = yield* start("--budget", "1 USD")
          yield* until(Effect.map(status, ({ done }) => done > 2))
          assert.isNotNull((yield* status).openIn)

          assert.deepInclude(yield* control("pause"), { code: 0, stdout: `"${job}": ${paused}\n` })
          assert.isNotNull((yield* status).pausedSince)
          const before = yield* settled
          const raised = yield* control("set", "--concurrency", "8", "--budget", "2 USD")
          assert.strictEqual(
            raised.stdout,
            `"${job}": up to 8 calls are in flight at once\n"${job}": the budget of the job is 2 USD\n`
          )
          const lowered = yield* control("set", "--budget", "0.5 USD")
          assert.deepInclude(lowered, { code: 2, stdout: "" })
          assert.match(
            lowered.stderr,
            /the budget of the run is 2 USD, and a budget can only be raised while a run is on/
          )
          assert.strictEqual(yield* billed, before)

          yield* first.kill
          assert.deepInclude(yield* status, { openIn: null, ended: null, done: before })
          const unheard = yield* control("set", "--concurrency", "4", "--budget", "5 USD")
          assert.deepInclude(unheard, { code: 2, stdout: "" })
          assert.include(unheard.stderr, "no run is on that could be changed; give --concurrency 4 to the command")
          assert.deepInclude(yield* status, { waiting: [] })
          assert.include((yield* control("pause")).stdout, `"${job}": no run is on, and the next one begins paused`)

          const second = yield* start()
          yield* until(Effect.map(status, ({ openIn, waiting }) => openIn !== null && waiting.length === 0))
          assert.strictEqual(yield* billed, before)
          assert.include((yield* control("set", "--budget", "2 USD")).stderr, "the run has no budget: stop it, and run")
          assert.deepInclude(yield* control("resume"), { code: 0, stdout: `"${job}": resumed\n` })
          const { code, stderr } = yield* second.ends
          assert.strictEqual(code, 0)
          assert.match(stderr, /the job is paused since [\d:]+( [a-z]+)?, and no row starts: effect-claude resume /)
          assert.strictEqual(yield* billed, 20)
          assert.deepInclude(yield* status, { done: 20, pending: 0, pausedSince: null, outcome: "done" })
        }).pipe(Effect.scoped),
      120_000
    )

    it.live(
      "answers 20 controls while it commits rows, each in one way",
      () =>
        Effect.gen(function* () {
          const { billed, control, files, start, status, until } = yield* world(state, 60)
          const run = yield* start()
          yield* until(Effect.map(status, ({ done }) => done > 0))
          const controls = Array.from(
            { length: 20 },
            (_, index) => ["set", "--concurrency", String(1 + (index % 4))] as const
          )
          const answers = yield* Effect.forEach(controls, (args) => control(...args), { concurrency: 10 })
          // The run may end before it has had all of them.
          const applied = answers.filter(({ code }) => code === 0)
          const refused = answers.filter(({ stderr }) => stderr.includes("no run is on that could be changed"))
          assert.isAbove(applied.length, 2)
          assert.lengthOf(answers, applied.length + refused.length)
          assert.deepInclude(yield* run.ends, { code: 0 })
          assert.strictEqual(new Set(lines(files.output).map(({ key }) => key)).size, 60)
          assert.strictEqual(yield* billed, 60)
        }).pipe(Effect.scoped),
      120_000
    )
  })
}

// Builders

const paused = "paused: no more rows start, and those that run continue"

/** A job in a folder, an emulator, and commands on the state of the job. */
const world = Effect.fnUntraced(function* (database: string | undefined, rows: number) {
  const server = Context.get(yield* Layer.build(Emulator.layerServer({ latency: 50 })), Emulator.Emulator)
  const files = { ...folder(rows), job: join(import.meta.dirname, "threeSteps.job.ts") }
  const job = `controlled ${process.pid} ${yield* Random.nextInt}`
  const state = database === undefined ? [files.output] : [database, "--job", job]
  const env = { NODE_COMPILE_CACHE, PATH, ...at(server.url), JOB_NAME: job }
  const control = (command: string, ...flags: ReadonlyArray<string>) => program([command, ...state, ...flags])
  /** All calls are made, of three for each row. */
  const billed = Effect.map(server.ledger, ({ length }) => length / 3)
  const status = Effect.map(control("status", "--json"), ({ code, stdout }) =>
    code === 0 ? JSON.parse(stdout) : { done: 0, openIn: null, waiting: [] }
  )
  return {
    files,
    job,
    billed,
    control,
    status,
    /** The rows that are billed once the last one that began is done: nothing has changed for longer than a row takes. */
    settled: Effect.all([billed, status, Effect.andThen(Effect.sleep("1 second"), billed)]).pipe(
      Effect.filterOrFail(([before, { done }, after]) => before === done && before === after),
      Effect.retry({ times: 60 }),
      Effect.map(([before]) => before),
      Effect.orDie
    ),
    /** Looks several times a second, for a minute at most. */
    until: (isReached: Effect.Effect<boolean>) =>
      Effect.filterOrFail(isReached, (isReached) => isReached).pipe(
        Effect.retry(Schedule.spaced("100 millis")),
        Effect.timeout("1 minute"),
        Effect.orDie
      ),
    start: (...flags: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const place = database === undefined ? [] : ["--state", database]
        const args = [...runOf(files, "--concurrency", "1", ...place, ...flags)]
        const child = spawn(process.execPath, ["--conditions=effect-claude-source", "src/run/main.ts", ...args], {
          env
        })
        let stderr = ""
        child.stderr.on("data", (data) => (stderr += data))
        child.stdout.resume()
        const exit = once(child, "exit")
        const ends = Effect.promise(async () => ({ code: (await exit)[0], stderr }))
        const kill = Effect.suspend(() => {
          child.kill("SIGKILL")
          return ends
        })
        yield* Effect.addFinalizer(() => kill)
        return { kill, ends }
      })
  }
})
