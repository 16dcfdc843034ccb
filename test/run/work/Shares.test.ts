import { assert, describe, it } from "@effect/vitest"
import { Batch, CallSite, Claude, Concurrency, RateLimit } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Gate from "../../../src/run/Gate.ts"
import * as Shares from "../../../src/run/work/Shares.ts"

describe("a job of 100 rows beside one of 20,000 rows", () => {
  it.effect(
    "takes about twice its time alone where the concurrency is the limit, also if the large one began before",
    () =>
      Effect.gen(function* () {
        const alone = yield* timeOf({ large: undefined })
        assert.isAtMost(yield* timeOf({ large: 0 }), 2.3 * alone)
        assert.isAtMost(yield* timeOf({ large: 3100 }), 2.3 * alone)
      })
  )

  it.effect("takes about twice its time alone where the rate is the limit, also if the large one began before", () =>
    Effect.gen(function* () {
      const perMinute = 600
      const alone = yield* timeOf({ large: undefined, perMinute })
      const beside = yield* timeOf({ large: 5000, perMinute })
      assert.isAtMost(beside, 2.2 * alone)
      // It does not hold the large one up.
      assert.isAtLeast(beside, 1.8 * alone)
    })
  )
})

describe("the calls of a worker", () => {
  it.effect("go to one job when the others have no rows, and back when they have", () =>
    Effect.gen(function* () {
      const { job, running } = yield* worker({})
      const one = yield* Effect.forkChild(job("one", 100_000))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(running("one"), calls)
      const other = yield* Effect.forkChild(job("other", 400))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([running("one"), running("other")], [calls / 2, calls / 2])
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(other)
      assert.deepStrictEqual(running("one"), calls)
      yield* Fiber.interrupt(one)
    }).pipe(Effect.scoped)
  )

  it.effect("that the other workers have not granted to a job go to the others", () =>
    Effect.gen(function* () {
      const shares = yield* Shares.make(8)
      const [one, other] = [shares.join(), shares.join()]
      assert.deepStrictEqual([one.room(), other.room()], [8, 8])
      one.change({ grant: 2 })
      for (const { enter } of [one, other]) yield* Effect.forEach(Array(10), () => Effect.forkScoped(enter))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([one.inUse(), other.inUse()], [2, 6])
      assert.deepStrictEqual([one.room(), other.room()], [4, 6])
    }).pipe(Effect.scoped)
  )

  it.effect("go to each job in turn where there are fewer of them than jobs", () =>
    Effect.gen(function* () {
      const shares = yield* Shares.make(1)
      const ended = [0, 0, 0]
      const call = ({ enter }: Gate.Gate, job: number) =>
        Effect.andThen(
          Effect.scoped(Effect.andThen(enter, Effect.sleep("100 millis"))),
          Effect.sync(() => void (ended[job] = (ended[job] ?? 0) + 1))
        )
      const gates = ended.map(shares.join)
      yield* Effect.forEach(gates, (gate, job) => Effect.forkScoped(Effect.forever(call(gate, job))))
      yield* TestClock.adjust("30 seconds")
      assert.isAtLeast(Math.min(...ended), 80)
    }).pipe(Effect.scoped)
  )

  it.effect("that a job with few rows does not use go to the others", () =>
    Effect.gen(function* () {
      const { job, running } = yield* worker({})
      const all = [yield* Effect.forkChild(job("few", 10_000, 4)), yield* Effect.forkChild(job("many", 100_000))]
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual([running("few"), running("many")], [4, calls - 4])
      yield* Fiber.interruptAll(all)
    }).pipe(Effect.scoped)
  )
})

// Builders

const calls = 32

interface World {
  readonly perMinute?: number
}

/** The jobs of one worker, with calls of 300 ms. `rowsAtOnce` is twice the calls by default, as in a run. */
const worker = Effect.fnUntraced(function* ({ perMinute }: World) {
  const concurrency = yield* Concurrency.make(calls)
  const limits = yield* RateLimit.make(perMinute === undefined ? {} : { requestsPerMinute: perMinute })
  const shares = yield* Shares.make(calls)
  const running = new Map<string, number>()
  const add = (name: string, by: number) => Effect.sync(() => running.set(name, (running.get(name) ?? 0) + by))
  const job = (name: string, rows: number, rowsAtOnce = 2 * calls) => {
    const call = Effect.acquireUseRelease(
      add(name, 1),
      () => Effect.sleep("300 millis"),
      () => add(name, -1)
    )
    const claude = TestClaude.layer(() => Effect.as(call, "Hello.")).pipe(
      Concurrency.policy(concurrency),
      RateLimit.policy(limits),
      Gate.policy(shares.join())
    )
    return Batch.map(
      Array.from({ length: rows }, (_, row) => String(row)),
      (row) => CallSite.row(name, row)(Claude.generateText("Hello.")),
      { concurrency: rowsAtOnce }
    ).pipe(Effect.provide(claude))
  }
  return { job, running: (name: string) => running.get(name) ?? 0 }
})

/** The time of the small job, in milliseconds. The large one begins this many milliseconds before it. */
const timeOf = Effect.fnUntraced(function* ({ large, ...world }: World & { readonly large: number | undefined }) {
  const { job } = yield* worker(world)
  const other = large === undefined ? undefined : yield* Effect.forkChild(job("large", 20_000))
  yield* TestClock.adjust(large ?? 0)
  const since = yield* Clock.currentTimeMillis
  const small = yield* Effect.forkChild(Effect.andThen(job("small", 100), Clock.currentTimeMillis))
  while (small.pollUnsafe() === undefined) yield* TestClock.adjust("100 millis")
  const time = (yield* Fiber.join(small)) - since
  if (other !== undefined) yield* Fiber.interrupt(other)
  return time
}, Effect.scoped)
