import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import type { Amounts, Buckets, Reservation, Wait } from "../../../src/policy/rateLimit/Buckets.ts"
import * as SharedBuckets from "../../../src/policy/rateLimit/SharedBuckets.ts"
import { missing, server as runningServer, setMemory, stopped } from "../../run/cluster/redisServers.ts"

describe.skipIf(missing !== "")(`processes that share their limits through a Redis that fails${missing}`, () => {
  it.live("use the whole limits until Redis is there, report it once, and then share them", () =>
    Effect.gen(function* () {
      const server = yield* stopped()
      const { logs, one, other } = yield* twoProcesses(server.url)
      yield* take(one)
      yield* take(other)
      yield* Effect.sleep("1200 millis")
      assert.match(
        String(logs),
        /^the rate limits cannot be shared, because Redis does not work: .*ECONNREFUSED.*; until it is back, this process uses the whole limits/
      )
      assert.lengthOf(logs, 2)
      yield* server.start
      yield* untilShared(one, other)
      assert.deepStrictEqual(logs.slice(2), [
        "Redis is back: the rate limits are shared again",
        "Redis is back: the rate limits are shared again"
      ])
    })
  )

  it.live(
    "continue with an equal share each when Redis stops, and share again when it is back, even if it is empty",
    () =>
      Effect.gen(function* () {
        const server = yield* runningServer()
        const { logs, one, other } = yield* twoProcesses(server.url)
        yield* untilShared(one, other)
        const call = yield* take(one)
        yield* take(other)
        yield* take(one)
        yield* server.kill
        yield* take(one)
        yield* take(other)
        assert.match(String(logs), /this process uses 1\/2 of the limits/)
        yield* call.settle(some)
        yield* server.start
        yield* untilShared(one, other)
        assert.lengthOf(logs, 4)
      })
  )

  it.live("report a Redis that is full once, and when it accepts writes again", () =>
    Effect.gen(function* () {
      const server = yield* runningServer()
      const { logs, one } = yield* twoProcesses(server.url)
      yield* take(one)
      yield* setMemory(server.url, 1)
      yield* Effect.repeat(Effect.delay(one.reserve("group", some), "300 millis"), { times: 8 })
      assert.lengthOf(logs, 1)
      assert.match(String(logs), /OOM command not allowed/)
      yield* setMemory(server.url, 0)
      yield* Effect.repeat(Effect.delay(one.reserve("group", some), "300 millis"), { until: () => logs.length > 1 })
      assert.deepStrictEqual(logs.slice(1), ["Redis is back: the rate limits are shared again"])
    })
  )

  it.live("wait no longer than a second for a Redis that does not answer", () =>
    Effect.gen(function* () {
      const server = yield* runningServer()
      const { logs, one } = yield* twoProcesses(server.url)
      yield* take(one)
      yield* server.freeze
      const before = yield* Clock.currentTimeMillis
      const call = yield* take(one)
      yield* call.settle(some)
      assert.isBelow((yield* Clock.currentTimeMillis) - before, 1900)
      yield* take(one)
      assert.lengthOf(logs, 1)
    })
  )
})

// Builders

const some: Amounts = { requests: 1, inputTokens: 0, outputTokens: 0 }

const take = (buckets: Buckets) =>
  Effect.filterOrElse(buckets.reserve("group", some), isReservation, () => Effect.die("it must wait"))

const isReservation = (answer: Reservation | Wait): answer is Reservation => answer._tag === "Reservation"

/** Two processes with 600 requests a minute, and the messages that they log. */
const twoProcesses = Effect.fnUntraced(function* (url: string) {
  const logs: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => {
    logs.push(String(message))
  })
  const join = SharedBuckets.make(NodeRedis.layer({ url }))({ requests: 600 })
  const [one, other] = yield* Effect.all([join, join]).pipe(Effect.provide(Logger.layer([logger])))
  return { logs, one, other }
})

let probes = 0

/** Waits until one process has to wait for what the other has reserved. */
const untilShared = (one: Buckets, other: Buckets) =>
  Effect.gen(function* () {
    const all: Amounts = { requests: 5, inputTokens: 0, outputTokens: 0 }
    const group = `probe ${++probes}`
    yield* one.reserve(group, all)
    return (yield* other.reserve(group, all))._tag
  }).pipe(Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: (tag) => tag === "Wait" }))
