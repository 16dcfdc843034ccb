/**
 * Runs a job of three steps on several processes, which are killed, frozen and drained meanwhile. `WORKERS`, `KILLS`, and
 * `ROWS` make it long: `WORKERS=4 KILLS=20 ROWS=5000 npx vitest run test/run/Cluster.kills.test.ts` takes several minutes.
 */
import { assert, describe, it } from "@effect/vitest"
import { Emulator } from "effect-claude/testing"
import { Context, Effect, Fiber, Layer, Random } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { attributesOf, collector, type Span } from "../policy/telemetry/collector.ts"
import { at, folder, lines, program, runOf } from "./cli.ts"

const {
  KILLS = "1",
  NODE_COMPILE_CACHE = "",
  PATH = "",
  ROWS = "250",
  TEST_DATABASE_URL = "",
  WORKERS = "2"
} = process.env
const rows = Number(ROWS)
const kills = Number(KILLS)
const workers = Number(WORKERS)
const inFlight = 8
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe("a job on several processes", () => {
  it.live.skipIf(missing)(
    `has every row once, as a run of one process, when workers are killed, frozen and drained${missing}`,
    () =>
      Effect.gen(function* () {
        const undisturbed = yield* world()
        assert.deepInclude(yield* program(runOf(undisturbed.files), { env: at(undisturbed.url) }), { code: 0 })

        const { spans, url } = yield* collector
        const { env: untraced, files, ledger } = yield* world(50)
        const env = { ...untraced, OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: "200" }
        const submitting = yield* Effect.forkChild(submission(runOf(files, "--database", TEST_DATABASE_URL), env))
        const running = new Set<ChildProcess>()
        const start = Effect.sync(() => void running.add(worker(files.job, env)))
        yield* Effect.addFinalizer(() => Effect.sync(() => running.forEach((child) => child.kill("SIGKILL"))))
        for (let index = 0; index < workers; index++) yield* start
        yield* until(Effect.map(ledger, (billed) => billed.length > 3 * inFlight))

        for (let kill = 0; kill < kills; kill++) {
          yield* Effect.sleep(yield* Random.nextIntBetween(100, 1000))
          const [killed, frozen, drained] = yield* Random.shuffle([...running].filter((child) => started.has(child)))
          if (killed !== undefined) {
            killed.kill("SIGKILL")
            running.delete(killed)
            yield* start
          }
          if (frozen !== undefined) {
            frozen.kill("SIGSTOP")
            yield* Effect.forkChild(
              Effect.delay(
                Effect.sync(() => frozen.kill("SIGCONT")),
                "12 seconds"
              )
            )
            running.delete(frozen)
            yield* Effect.addFinalizer(() => Effect.sync(() => frozen.kill("SIGKILL")))
            yield* start
          }
          if (drained !== undefined) {
            drained.kill("SIGTERM")
            const [code] = yield* Effect.promise(() => once(drained, "exit"))
            assert.include([0, 143], code)
            running.delete(drained)
            yield* start
          }
        }
        const { code, stderr, stdout } = yield* Fiber.join(submitting)
        assert.strictEqual(code, 0, stderr)
        assert.include(stdout, `${rows} of ${rows} rows are done`)
        assert.strictEqual(new Set(lines(files.output).map(({ key }) => key)).size, rows)
        assert.isTrue(
          readFileSync(files.output, "utf8") === readFileSync(undisturbed.files.output, "utf8"),
          "the output is that of an undisturbed run"
        )
        const billed = yield* ledger
        assert.strictEqual(new Set(billed.map(({ requestHash }) => requestHash)).size, 3 * rows)
        assert.isAtMost(billed.length - 3 * rows, 2 * kills * inFlight)
        const traces = tracesOf(spans())
        assert.strictEqual(traces.size, rows)
        for (const ids of traces.values()) assert.strictEqual(ids.size, 1)
      }).pipe(Effect.scoped),
    60_000 + 20_000 * kills + 100 * rows
  )
})

// Builders

/** Two calls in a hundred fail. */
const faults = [
  { kind: 529, rate: 0.01 },
  { kind: "reset", rate: 0.01 }
] as const

/** An emulator, and the files and the name of a job. */
const world = Effect.fnUntraced(function* (latency = 0) {
  const emulator = Context.get(yield* Layer.build(Emulator.layerServer({ latency, faults })), Emulator.Emulator)
  const job = `three steps, ${process.pid} ${yield* Random.nextInt}`
  return {
    ...emulator,
    env: { NODE_COMPILE_CACHE, PATH, ...at(emulator.url), JOB_NAME: job },
    files: { ...folder(rows), job: join(import.meta.dirname, "threeSteps.job.ts") }
  }
})

const main = ["--conditions=effect-claude-source", "src/run/main.ts"]

/** A process that submits a job and waits for its end. */
const submission = (args: ReadonlyArray<string>, env: Record<string, string>) =>
  Effect.callback<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>((resume) => {
    const child = spawn(process.execPath, [...main, ...args], { env })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (data) => (stdout += data))
    child.stderr.on("data", (data) => (stderr += data))
    child.on("exit", (code) => resume(Effect.succeed({ code, stdout, stderr })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** The processes that have begun to work. */
const started = new WeakSet<ChildProcess>()

/** A process that works on a job. */
const worker = (job: string, env: Record<string, string>): ChildProcess => {
  const flags = ["worker", job, "--database", TEST_DATABASE_URL, "--concurrency", String(inFlight)]
  const child = spawn(process.execPath, [...main, ...flags], { env, stdio: ["ignore", "ignore", "pipe"] })
  // Before its first output, a signal ends it like any process.
  child.stderr.once("data", () => started.add(child))
  return child
}

/** The ids of the traces of each row. */
const tracesOf = (spans: ReadonlyArray<Span>) => {
  const traces = new Map<unknown, Set<string>>()
  for (const span of spans) {
    const row = attributesOf(span)["effect_claude.row"]?.value
    if (row !== undefined) traces.set(row, (traces.get(row) ?? new Set()).add(span.traceId))
  }
  return traces
}

const until = (condition: Effect.Effect<boolean>) =>
  Effect.repeat(Effect.delay(condition, "50 millis"), { until: (isMet) => isMet })
