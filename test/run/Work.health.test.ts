import { assert, describe, it } from "@effect/vitest"
import { Emulator } from "effect-claude/testing"
import { Context, Effect, Fiber, Layer } from "effect"
import * as Signals from "../../src/run/Signals.ts"
import { at, program, runOf } from "./cli.ts"
import { jobOf } from "./work/jobs.ts"
import { freePort, page } from "./work/page.ts"
import { parse, valueOf } from "./work/prometheus.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe.skipIf(missing)(`a worker with --health-port${missing}`, () => {
  it.live("is ready while it works on a job, counts what it does, and is alive until it has drained", () =>
    Effect.gen(function* () {
      const { url } = Context.get(yield* Layer.build(Emulator.layerServer({ latency: 300 })), Emulator.Emulator)
      const env = at(url)
      const files = jobOf(200)
      const port = yield* freePort
      const signals = Signals.make()
      const health = ["--health-port", String(port), "--name", 'pod "7"']
      const args = ["worker", "--database", TEST_DATABASE_URL, "--concurrency", "4", ...health, files.job]
      const worker = yield* Effect.forkChild(program(args, { env, signals }))
      const ready = page(port, "/readyz")

      yield* until(ready, ({ text }) => text.includes(`the job "${files.name}" is not submitted`))
      assert.strictEqual((yield* ready).status, 503)
      assert.strictEqual((yield* page(port, "/livez")).status, 200)

      yield* Effect.forkChild(program(runOf(files, "--database", TEST_DATABASE_URL), { env }))
      yield* until(ready, ({ status }) => status === 200)
      const metrics = Effect.map(page(port, "/metrics"), ({ text }) => parse(text))
      const rowsDone = Effect.map(metrics, (samples) =>
        valueOf(samples, "effect_claude_rows_total", { job: files.name, state: "done" })
      )
      yield* until(rowsDone, (done = 0) => done > 4)
      const samples = yield* metrics
      assert.strictEqual(valueOf(samples, "effect_claude_calls_in_flight", { job: files.name }), 4)
      assert.isAbove(valueOf(samples, "effect_claude_calls_waiting", { job: files.name }) ?? 0, 0)
      assert.isAbove(valueOf(samples, "effect_claude_chunks_held", { job: files.name }) ?? 0, 0)
      assert.strictEqual(valueOf(samples, "effect_claude_worker_info", { worker: 'pod "7"' }), 1)
      assert.isAbove(valueOf(samples, "gen_ai_client_inference_duration_count", {}) ?? 0, 4)

      signals.send("SIGTERM")
      yield* until(ready, ({ status }) => status !== 200)
      assert.deepInclude(yield* ready, { status: 503 })
      assert.include((yield* ready).text, "the worker drains")
      assert.strictEqual((yield* page(port, "/livez")).status, 200)
      assert.strictEqual((yield* Fiber.join(worker)).code, 0)
      assert.isUndefined((yield* page(port, "/livez")).status)
    }).pipe(Effect.scoped)
  )
})

// Builders

const until = <A, E, R>(read: Effect.Effect<A, E, R>, isMet: (value: A) => boolean) =>
  Effect.repeat(Effect.delay(read, "20 millis"), { until: isMet })
