import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Call from "../../../src/policy/messageBatches/Call.ts"
import type { Lane } from "../../../src/policy/messageBatches/Lanes.ts"
import * as Queue from "../../../src/policy/messageBatches/Queue.ts"
import { request } from "../../fixtures.ts"

describe("a queue", () => {
  it.effect("sends what it has before a call that would exceed the bytes, and at the number of requests", () =>
    Effect.gen(function* () {
      const { calls, queue, sent } = yield* make
      queue.add(calls(), 60)
      queue.add(calls(), 40)
      assert.deepStrictEqual(sent, [])
      queue.add(calls(), 1)
      assert.deepStrictEqual(sent, [2])
      queue.add(calls(), 1)
      queue.add(calls(), 1)
      assert.deepStrictEqual(sent, [2, 3])
    })
  )

  it.effect("sends after the delay of its first call", () =>
    Effect.gen(function* () {
      const { calls, queue, sent } = yield* make
      queue.add(calls(), 1)
      yield* TestClock.adjust("40 seconds")
      queue.add(calls(), 1)
      yield* TestClock.adjust("19 seconds")
      assert.deepStrictEqual(sent, [])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(sent, [2])
    })
  )

  it.effect("starts a new delay after it was sent or has become empty", () =>
    Effect.gen(function* () {
      const { calls, queue, sent } = yield* make
      const call = calls()
      queue.add(call, 1)
      queue.remove(call)
      yield* TestClock.adjust("30 seconds")
      queue.add(calls(), 1)
      queue.sendAll()
      assert.deepStrictEqual(sent, [1])
      queue.add(calls(), 1)
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(sent, [1])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(sent, [1, 1])
    })
  )

  it.effect("frees the bytes of a call that leaves", () =>
    Effect.gen(function* () {
      const { calls, queue, sent } = yield* make
      const call = calls()
      queue.add(calls(), 10)
      queue.add(call, 80)
      queue.remove(call)
      queue.add(calls(), 90)
      assert.deepStrictEqual(sent, [])
    })
  )

  it("counts the bytes of a request in UTF-8, without its headers", () => {
    const messages = [{ role: "user" as const, content: "ä€😀" }]
    const plain = Queue.bytesOf({ ...request, messages: [{ role: "user", content: "" }] })
    assert.strictEqual(Queue.bytesOf({ ...request, messages }) - plain, 2 + 3 + 4)
    assert.strictEqual(Queue.bytesOf({ ...request, betas: ["files-api-2025-04-14"] }), Queue.bytesOf(request))
  })
})

// Builders

/** A queue of at most 3 calls, 100 bytes and a minute, and the sizes of the batches that it sent. */
const make = Effect.gen(function* () {
  const context = yield* Effect.context<never>()
  const sent: Array<number> = []
  const unused = () => Effect.die("no request")
  const results = () => Stream.die("no request")
  const api = { create: unused, retrieve: unused, cancel: unused, results, list: results() }
  const lane: Lane = { api, store: undefined, context }
  const limits = { requests: 3, bytes: 100, delay: Duration.minutes(1) }
  const fork = (_: Lane, effect: Effect.Effect<void>) => void Effect.runForkWith(context)(effect)
  const queue = Queue.make(limits, (_, calls) => sent.push(calls.length), fork)
  return { queue, sent, calls: () => Call.make({ lane, request, place: undefined, state: "queued" }) }
})
