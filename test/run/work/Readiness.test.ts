import { assert, describe, it } from "@effect/vitest"
import type { Event } from "effect-claude"
import { Effect } from "effect"
import * as TestClock from "effect/testing/TestClock"
import * as Readiness from "../../../src/run/work/Readiness.ts"

describe("a worker", () => {
  it.effect("is not ready before it has joined a job, and says what it waits for", () =>
    Effect.gen(function* () {
      const { emit, problem } = yield* worker
      assert.strictEqual(yield* problem, "the worker starts")
      yield* emit("mails", { _tag: "job-waits", reason: "not submitted yet" })
      assert.strictEqual(yield* problem, "mails: not submitted yet")
      yield* emit("mails", { _tag: "run-checked" })
      assert.isUndefined(yield* problem)
    })
  )

  it.effect("is ready if it has joined one of its jobs", () =>
    Effect.gen(function* () {
      const { emit, problem } = yield* worker
      yield* emit("mails", { _tag: "run-checked" })
      yield* emit("letters", { _tag: "job-waits", reason: "not submitted yet" })
      assert.isUndefined(yield* problem)
    })
  )

  it.effect("is not ready while the database does not answer, and is ready again when it does", () =>
    Effect.gen(function* () {
      const { emit, problem } = yield* worker
      yield* emit("mails", { _tag: "run-checked" })
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(yield* problem)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* problem, "mails: the database has not answered for 5 seconds")
      yield* emit("mails", { _tag: "job-waits", reason: "postgres://admin:hunter2hunter2@db/jobs refuses" })
      assert.strictEqual(yield* problem, "mails: postgres://[redacted]@db/jobs refuses")
      yield* emit("mails", { _tag: "run-checked" })
      assert.isUndefined(yield* problem)
    })
  )

  it.effect("is not ready from the moment when it drains", () =>
    Effect.gen(function* () {
      const { drain, emit, problem } = yield* worker
      yield* emit("mails", { _tag: "run-checked" })
      yield* drain
      yield* emit("mails", { _tag: "run-checked" })
      assert.strictEqual(yield* problem, "the worker drains: its calls in flight end, and it takes no more rows")
    })
  )
})

// Builders

const site = { job: undefined, row: undefined, path: [], labels: {} }

const worker = Effect.map(Readiness.make, ({ drain, listener, problem }) => ({
  drain,
  problem,
  emit: (job: string, body: Event.EventBody) => listener(job)({ ...body, site })
}))
