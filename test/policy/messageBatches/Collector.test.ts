import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import { Claude } from "../../../src/claude/Claude.ts"
import { ClaudeError } from "../../../src/claude/ClaudeError.ts"
import * as Event from "../../../src/claude/Event.ts"
import { type CallKey, CurrentCall, ReplyStore, ReplyStoreFailed } from "../../../src/claude/ReplyStore.ts"
import * as Batch from "../../../src/pipeline/Batch.ts"
import * as StopRules from "../../../src/pipeline/StopRules.ts"
import * as MessageBatches from "../../../src/policy/MessageBatches.ts"
import * as Emulator from "../../../src/testing/Emulator.ts"
import { request } from "../../fixtures.ts"
import { makeDisk, makeLife, remove, storeOf } from "./processes.ts"

describe("a call with a store", () => {
  it.effect("joins its batch when it is made again after an interruption", () =>
    Effect.gen(function* () {
      const store = storeOf(makeDisk(), makeLife())
      const first = yield* Effect.forkChild(ask(store))
      yield* pass("2 minutes")
      yield* Fiber.interrupt(first)
      const again = yield* Effect.forkChild(ask(store))
      yield* pass("10 minutes")
      assert.strictEqual((yield* Fiber.join(again)).origin, "batch")
      assert.lengthOf(yield* billed, 1)
    }).pipe(Effect.provide(batches()))
  )

  it.effect("is sent if the only fiber that waits leaves at any moment while another one joins it", () =>
    Effect.gen(function* () {
      const joins = yield* Effect.forEach(
        Array.from({ length: 40 }, (_, turns) => turns),
        Effect.fnUntraced(function* (turns) {
          const store = storeOf(makeDisk(), makeLife())
          const first = yield* Effect.forkChild(ask(store))
          yield* Effect.repeat(Effect.yieldNow, { times: 20 })
          const second = yield* ask(store).pipe(
            Effect.provideService(References.MaxOpsBeforeYield, 3),
            Effect.forkChild({ startImmediately: true })
          )
          yield* Effect.repeat(Effect.yieldNow, { times: turns })
          yield* Fiber.interrupt(first)
          return second
        })
      )
      yield* pass("10 minutes")
      const waiting = joins.flatMap((fiber, turns) => (fiber.pollUnsafe() === undefined ? [turns] : []))
      assert.deepStrictEqual(waiting, [])
    }).pipe(Effect.provide(batches()))
  )

  it.effect("gets a reply that was stored while no fiber waited", () =>
    Effect.gen(function* () {
      const disk = makeDisk()
      const store = storeOf(disk, makeLife())
      const first = yield* Effect.forkChild(ask(store))
      yield* pass("2 minutes")
      yield* Fiber.interrupt(first)
      yield* pass("10 minutes")
      assert.lengthOf(disk.saved, 1)
      assert.deepInclude(yield* ask(store), { origin: "batch" })
      assert.lengthOf(yield* billed, 1)
    }).pipe(Effect.provide(batches()))
  )

  it.effect("reports its attempt when the reply is stored", () =>
    Effect.gen(function* () {
      const tags: Array<string> = []
      const listener: Event.Listener = ({ _tag }) => Effect.sync(() => void tags.push(_tag))
      const call = yield* Effect.forkChild(Event.listen(listener)(ask(storeOf(makeDisk(), makeLife()))))
      yield* pass("2 minutes")
      assert.notInclude(tags, "call-sent")
      yield* pass("10 minutes")
      yield* Fiber.join(call)
      assert.deepStrictEqual(tags.slice(-3), ["call-waited", "call-sent", "call-finished"])
    }).pipe(Effect.provide(batches()))
  )

  it.effect("dies of a store that fails, before anything is sent", () =>
    Effect.gen(function* () {
      const failed = new ReplyStoreFailed({ detail: "disk full" })
      const store = { ...storeOf(makeDisk(), makeLife()), intend: () => Effect.fail(failed) }
      const call = yield* Effect.forkChild(ask(store))
      yield* pass("2 minutes")
      const exit = yield* Fiber.await(call)
      assert.strictEqual(Exit.isFailure(exit) && Cause.squash(exit.cause), failed)
      assert.lengthOf(yield* billed, 0)
    }).pipe(Effect.provide(batches()))
  )
})

describe("a batch that the API does not find", () => {
  it.effect("fails its calls for certain after 10 minutes, and they join it again when it is found", () => {
    let isLost = true
    const faults: Emulator.Script = ({ method }) => (isLost && method === "GET" ? { kind: 404 } : undefined)
    return Effect.gen(function* () {
      const store = storeOf(makeDisk(), makeLife())
      const call = yield* Effect.forkChild(Effect.flip(ask(store)))
      yield* pass("20 minutes")
      const error = yield* Fiber.join(call)
      assert.deepInclude(error.reason, { _tag: "BatchItemLost", how: "unknown" })
      assert.include(error.message, "use a key of the workspace that sent the batch")
      assert.isTrue(StopRules.isCertain(error))
      isLost = false
      const again = yield* Effect.forkChild(ask(store))
      yield* pass("10 minutes")
      assert.strictEqual((yield* Fiber.join(again)).origin, "batch")
      assert.lengthOf(yield* billed, 1)
    }).pipe(Effect.provide(batches(faults)))
  })
})

describe("a batch that was deleted", () => {
  it.effect("is reported after 10 minutes, and its calls are sent again", () => {
    let isDown = true
    const faults: Emulator.Script = ({ method }) => (isDown && method === "GET" ? { kind: 503 } : undefined)
    return Effect.gen(function* () {
      const events: Array<Event.Event> = []
      const listener: Event.Listener = (event) => Effect.sync(() => void events.push(event))
      const disk = makeDisk()
      const call = yield* Effect.forkChild(Event.listen(listener)(ask(storeOf(disk, makeLife()))))
      yield* pass("10 minutes")
      const id = [...disk.intents.values()][0]?.batchId ?? ""
      yield* remove(id)
      isDown = false
      yield* pass("9 minutes")
      assert.lengthOf(yield* billed, 1)
      yield* pass("20 minutes")
      assert.strictEqual((yield* Fiber.join(call)).origin, "batch")
      assert.lengthOf(yield* billed, 2)
      assert.deepStrictEqual(
        events.flatMap((event) => (event._tag === "batch-lost" ? [[event.batch, event.requests]] : [])),
        [[id, 1]]
      )
      assert.strictEqual(disk.intents.size, 0)
    }).pipe(Effect.provide(batches(faults)))
  })
})

describe("an outage", () => {
  it.effect("fails the calls of a job after an hour, and they join their batch again", () => {
    let isDown = true
    const faults: Emulator.Script = ({ method }) => (isDown && method === "GET" ? { kind: 503 } : undefined)
    return Effect.gen(function* () {
      const store = storeOf(makeDisk(), makeLife())
      const call = yield* Effect.forkChild(Effect.flip(ask(store)))
      yield* pass("50 minutes")
      assert.isUndefined(call.pollUnsafe())
      yield* pass("20 minutes")
      assert.strictEqual((yield* Fiber.join(call)).reason._tag, "ServerFailed")
      isDown = false
      const again = yield* Effect.forkChild(ask(store))
      yield* pass("20 minutes")
      assert.strictEqual((yield* Fiber.join(again)).origin, "batch")
      assert.lengthOf(yield* billed, 1)
    }).pipe(Effect.provide(batches(faults)))
  })
})

describe("an outage without a store", () => {
  it.effect("fails no call, because another attempt might be paid for twice", () => {
    let isDown = true
    const faults: Emulator.Script = ({ method }) => (isDown && method === "GET" ? { kind: 503 } : undefined)
    return Effect.gen(function* () {
      const call = yield* Effect.forkChild(ask())
      yield* pass("90 minutes")
      assert.isUndefined(call.pollUnsafe())
      isDown = false
      yield* pass("10 minutes")
      assert.strictEqual((yield* Fiber.join(call)).origin, "batch")
      assert.lengthOf(yield* billed, 1)
    }).pipe(Effect.provide(batches(faults)))
  })
})

describe("a request without an answer", () => {
  it.effect.each(["expired", "missing"] as const)("is sent in three batches, and then fails as %s", (how) =>
    Effect.gen(function* () {
      const call = yield* Effect.forkChild(Effect.flip(Batch.map([1], () => ask(), { mode: "failFast" })))
      yield* pass("90 minutes")
      const error = yield* Fiber.join(call)
      assert.instanceOf(error, ClaudeError)
      assert.deepInclude(error.reason, { _tag: "BatchItemLost", how })
      assert.isTrue(error.isRetryable)
      assert.isFalse(StopRules.isCertain(error))
    }).pipe(Effect.provide(batches(({ path }) => (path === Emulator.inBatch ? { kind: how } : undefined))))
  )
})

// Builders

const key: CallKey = { row: "one", path: "step", hash: "h", occurrence: 0 }

const ask = (store?: ReplyStore) =>
  Claude.use((claude) => claude.create(request)).pipe(
    Effect.provideService(CurrentCall, store && key),
    Effect.provideService(ReplyStore, store)
  )

const batches = (faults?: Emulator.Script) =>
  Emulator.layer({ faults, batchProcessing: "5 minutes" }).pipe(MessageBatches.policy())

const billed = Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger)

/** Lets time pass, minute by minute, so that the promises of the client keep up. */
const pass = (time: `${number} minutes`) =>
  Effect.repeat(Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 50 }), TestClock.adjust("1 minute")), {
    times: Number.parseInt(time) - 1
  }).pipe(Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 50 })))
