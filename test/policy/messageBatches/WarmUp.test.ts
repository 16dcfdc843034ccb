import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { Claude } from "../../../src/claude/Claude.ts"
import * as Cost from "../../../src/claude/Cost.ts"
import * as Event from "../../../src/claude/Event.ts"
import * as Batch from "../../../src/pipeline/Batch.ts"
import type * as Models from "../../../src/claude/Models.ts"
import type * as Request from "../../../src/claude/Request.ts"
import * as MessageBatches from "../../../src/policy/MessageBatches.ts"
import { stack } from "../../../src/policy/stack.ts"
import * as Emulator from "../../../src/testing/Emulator.ts"
import { request } from "../../fixtures.ts"
import { ask as askAsRow, makeDisk, makeLife, runProcess } from "./processes.ts"

describe("calls that share a prefix", () => {
  it.effect("are sent when one of them has written it, and read it", () =>
    Effect.gen(function* () {
      const sent = yield* sizes(Batch.map(range(25), ask()))
      assert.deepStrictEqual(sent, [1, 24])
      const { reads, writes } = yield* usage
      assert.deepStrictEqual([writes, reads], [1, 24])
    }).pipe(Effect.provide(batches()))
  )

  it.effect("cost a tenth of what they cost if each writes it", () =>
    Effect.gen(function* () {
      const costOf = (count: number) =>
        Effect.gen(function* () {
          yield* sizes(Batch.map(range(count), ask()))
          return BigDecimal.toNumberUnsafe(Cost.sum((yield* billed).map((call) => Cost.of({ ...call, at }))) ?? zero)
        }).pipe(Effect.provide(batches()))
      // Nine calls each write the prefix.
      const [written, shared] = [(yield* costOf(9)) / 9, (yield* costOf(200)) / 200]
      assert.isBelow(shared, written / 10)
    })
  )

  it.effect("are sent together with several writers, one for each prefix", () =>
    Effect.gen(function* () {
      const sent = yield* sizes(Batch.map(range(30), (row) => ask(`Answer as number ${row % 2}. `)(row)))
      assert.deepStrictEqual(sent, [2, 28])
      assert.deepStrictEqual(yield* usage, { writes: 2, reads: 28 })
    }).pipe(Effect.provide(batches()))
  )

  it.effect("are sent at once where the wait is not worth it or brings nothing", () =>
    Effect.gen(function* () {
      for (const calls of [
        range(9).map((row) => ask()(row)),
        range(20).map((row) => ask("Be brief. ", "5m")(row)),
        range(20).map((row) => create({ ...hello(row), system: cached("Be brief.", "1h") })),
        range(20).map((row) => create(hello(row)))
      ]) {
        const sent = yield* sizes(Batch.map(calls, (call) => call)).pipe(Effect.provide(batches()))
        assert.deepStrictEqual(sent, [calls.length])
      }
    })
  )

  it.effect("do not keep other calls waiting", () =>
    Effect.gen(function* () {
      const sent = yield* sizes(Batch.map(range(40), (row) => (row % 2 === 0 ? ask()(row) : create(hello(row)))))
      assert.deepStrictEqual(sent, [20, 1, 19])
    }).pipe(Effect.provide(batches()))
  )

  it.effect("do not wait while the prefix is warm, and wait again an hour after its last use", () =>
    Effect.gen(function* () {
      const wave = sizes(Batch.map(range(20), ask()))
      assert.deepStrictEqual(yield* wave, [1, 19])
      yield* pass("50 minutes")
      assert.deepStrictEqual(yield* wave, [20])
      yield* pass("50 minutes")
      assert.deepStrictEqual(yield* wave, [20])
      yield* pass("60 minutes")
      assert.deepStrictEqual(yield* wave, [1, 19])
    }).pipe(Effect.provide(batches()))
  )

  it.effect("wait for the first batch for at most two hours", () =>
    Effect.gen(function* () {
      const sent: Array<number> = []
      const calls = yield* Effect.forkChild(listen(sent)(Batch.map(range(20), ask())))
      yield* pass("119 minutes")
      assert.deepStrictEqual(sent, [1])
      yield* pass("5 minutes")
      assert.deepStrictEqual(sent, [1, 19])
      yield* Fiber.interrupt(calls)
    }).pipe(Effect.provide(batches({}, { batchProcessing: "20 hours" })))
  )

  it.effect("are not sent if they are interrupted while they wait", () =>
    Effect.gen(function* () {
      const sent: Array<number> = []
      const calls = yield* Effect.forkChild(listen(sent)(Batch.map(range(20), ask())))
      yield* pass("2 minutes")
      yield* Fiber.interrupt(calls)
      yield* pass("30 minutes")
      assert.deepStrictEqual(sent, [1])
      assert.lengthOf(yield* billed, 1)
    }).pipe(Effect.provide(batches()))
  )

  it.effect("are sent within the limits of a batch", () =>
    Effect.gen(function* () {
      const sent = yield* sizes(Batch.map(range(30), ask()))
      assert.deepStrictEqual(sent.toSorted(), [1, 10, 10, 9])
    }).pipe(Effect.provide(batches({ requests: 10 })))
  )

  it.effect("are sent after a first call that fails, too", () => {
    let isFirst = true
    const faults: Emulator.Script = ({ path }) => {
      if (path !== Emulator.inBatch || !isFirst) return undefined
      isFirst = false
      return { kind: 404 }
    }
    return Effect.gen(function* () {
      const failed: Array<number> = []
      const note = (row: number) => Effect.tapError(ask()(row), () => Effect.sync(() => failed.push(row)))
      assert.deepStrictEqual(yield* sizes(Batch.map(range(20), note)), [1, 19])
      assert.deepStrictEqual(failed, [0])
    }).pipe(Effect.provide(batches({}, { faults })))
  })

  it.effect("are paid once if the process dies at any step", () =>
    Effect.gen(function* () {
      const row = (index: number) => askAsRow(`row ${index}`, "step", `Question ${index}`, prompt("1h"))
      const work = Batch.map(range(12), row, { concurrency: 12 })
      const whole = makeLife()
      yield* runProcess(work, makeDisk(), whole).pipe(Effect.provide(Emulator.layer(slow)))
      for (let last = 1; last <= whole.steps(); last++) {
        yield* Effect.gen(function* () {
          const disk = makeDisk()
          yield* runProcess(
            work,
            disk,
            makeLife(({ count }) => count === last)
          )
          yield* runProcess(work, disk, makeLife())
          assert.lengthOf(new Set(disk.saved), 12)
          assert.lengthOf(yield* billed, 12, `died at step ${last}`)
        }).pipe(Effect.provide(Emulator.layer(slow)))
      }
    })
  )
})

describe("the stack", () => {
  it.effect("writes the prefixes of a prompt cache with a lifetime of an hour first", () =>
    Effect.gen(function* () {
      const layer = Emulator.layer(slow).pipe(stack({ batches: {}, promptCache: { ttl: "1h", warmUp: "1 minute" } }))
      const calls = Batch.map(range(25), (row) => create({ ...hello(row), system: "Be brief. ".repeat(1000) }))
      assert.deepStrictEqual(yield* Effect.provide(sizes(calls), layer), [1, 24])
    })
  )
})

// Builders

const at = new Date("2026-11-01")
const zero = BigDecimal.fromBigInt(0n)
const slow: Emulator.Options = { batchProcessing: "5 minutes" }

const batches = (options: MessageBatches.Options = {}, emulator: Emulator.Options = {}) =>
  Emulator.layer({ ...slow, ...emulator }).pipe(MessageBatches.policy(options))

const range = (count: number) => Array.from({ length: count }, (_, index) => index)

const hello = (row: number): Request.Request => ({ ...request, messages: [{ role: "user", content: `Row ${row}` }] })

const create = (call: Request.Request) => Claude.use((claude) => claude.create(call))

const cached = (text: string, ttl: Models.CacheTtl): NonNullable<Request.Request["system"]> => [
  { type: "text", text, cache_control: { type: "ephemeral", ttl } }
]

const prompt = (ttl: Models.CacheTtl) => cached("Be brief. ".repeat(1000), ttl)

const ask =
  (rule = "Be brief. ", ttl: Models.CacheTtl = "1h") =>
  (row: number) =>
    create({ ...hello(row), system: cached(rule.repeat(1000), ttl) })

const billed = Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger)

/** How many calls wrote to the prompt cache, and how many read from it. */
const usage = Effect.map(billed, (calls) => ({
  writes: calls.filter(({ usage }) => usage.cacheWrite1h > 0).length,
  reads: calls.filter(({ usage }) => usage.cacheRead > 0).length
}))

const listen = (sent: Array<number>) =>
  Event.listen((event) => Effect.sync(() => void (event._tag === "batch-sent" && sent.push(event.requests))))

/** Runs an effect while time passes, and returns the sizes of the batches that were sent. */
const sizes = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const sent: Array<number> = []
  const fiber = yield* Effect.forkChild(listen(sent)(effect))
  while (fiber.pollUnsafe() === undefined) yield* minute
  yield* Fiber.join(fiber)
  return sent
})

const minute = Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 50 }), TestClock.adjust("1 minute"))

const pass = (time: `${number} minutes`) => Effect.repeat(minute, { times: Number.parseInt(time) - 1 })
