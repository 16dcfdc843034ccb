import { assert, describe, it } from "@effect/vitest"
import { Emulator } from "effect-claude/testing"
import { Context, Effect, Fiber, Layer } from "effect"
import * as Signals from "../../src/run/Signals.ts"
import { at, program, runOf } from "./cli.ts"
import * as redisServers from "./cluster/redisServers.ts"
import { jobOf } from "./work/jobs.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === ""
    ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)"
    : redisServers.missing

describe.skipIf(missing)(`two workers with --redis${missing}`, () => {
  it.live("keep to one rate together", () =>
    Effect.gen(function* () {
      const redis = yield* redisServers.server()
      const emulator = yield* Layer.build(Emulator.layerServer({ latency: 20 }))
      const { ledger, url } = Context.get(emulator, Emulator.Emulator)
      const env = at(url)
      const files = jobOf(200)
      // Half of the rows would take half of the time if each worker had the whole rate.
      const flags = ["--database", TEST_DATABASE_URL, "--redis", redis.url, "--rpm", "2400", "--concurrency", "16"]
      const working = Effect.gen(function* () {
        const signals = Signals.make()
        return { signals, ends: yield* Effect.forkChild(program(["worker", files.job, ...flags], { env, signals })) }
      })
      const workers = [yield* working, yield* working]
      const running = yield* Effect.forkChild(program(runOf(files, "--database", TEST_DATABASE_URL), { env }))
      const billed = Effect.map(ledger, ({ length }) => length)
      yield* Effect.repeat(Effect.delay(billed, "10 millis"), { until: (calls) => calls > 0 })
      const began = performance.now()
      yield* Effect.repeat(Effect.delay(billed, "10 millis"), { until: (calls) => calls === 200 })
      assert.isAtLeast(performance.now() - began, 4000)
      assert.include((yield* Fiber.join(running)).stdout, "200 of 200 rows are done")
      for (const { ends, signals } of workers) {
        signals.send("SIGTERM")
        // Both had rows.
        assert.match((yield* Fiber.join(ends)).stderr, /[1-9]\d* rows have ended here/)
      }
    }).pipe(Effect.scoped)
  )
})
