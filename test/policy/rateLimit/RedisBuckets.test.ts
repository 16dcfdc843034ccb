import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Redis from "effect/persistence/Redis"
import type { Amounts, Kind, Limits, Wait } from "../../../src/policy/rateLimit/Buckets.ts"
import * as RedisBuckets from "../../../src/policy/rateLimit/RedisBuckets.ts"
import type { Notice, Ticket } from "../../../src/policy/rateLimit/RedisScript.ts"

const { TEST_REDIS_URL } = process.env
const missing = TEST_REDIS_URL === undefined ? ": TEST_REDIS_URL is not set (redis-server)" : ""

// Limits are those of a minute, and half a second's worth may leave at once. The limits below are so low that no test
// lasts long enough for a refill.
describe.skipIf(missing !== "")(`processes that share their limits through Redis${missing}`, () => {
  it.live("use one bucket together", () =>
    Effect.gen(function* () {
      const { join } = store({ requests: 600 })
      const [one, other] = [yield* join(), yield* join()]
      yield* one.takes({ requests: 3 })
      yield* other.takes({ requests: 2 })
      assert.strictEqual((yield* one.waits({ requests: 5 })).binds, "requests")
      assert.strictEqual((yield* other.waits({ requests: 5 })).binds, "requests")
    })
  )

  it.live("reserve from all three buckets or from none", () =>
    Effect.gen(function* () {
      const { join, level } = store({ requests: 60, outputTokens: 60 })
      const one = yield* join()
      yield* one.takes({ requests: 0.1, outputTokens: 100 })
      const before = yield* level("requests")
      assert.strictEqual((yield* one.waits({ requests: 0.4, outputTokens: 1 })).binds, "outputTokens")
      assert.isAtLeast(yield* level("requests"), before)
    })
  )

  it.live("give back to all what a call did not use, and charge what it used beyond its reservation", () =>
    Effect.gen(function* () {
      const { join } = store({ requests: 600 })
      const [one, other] = [yield* join(), yield* join()]
      const generous = yield* one.takes({ requests: 5 })
      yield* other.waits({ requests: 5 })
      yield* one.tell({ reservation: generous, used: amounts({ requests: 2 }) })
      const small = yield* other.takes({ requests: 1 })
      yield* other.tell({ reservation: small, used: amounts({ requests: 3 }) })
      yield* one.waits({ requests: 5 })
    })
  )

  it.live("take a lower limit from the answer of any of them, and a higher one again", () =>
    Effect.gen(function* () {
      const { join, limits } = store({})
      const [one, other] = [yield* join(), yield* join()]
      const call = yield* one.takes({ requests: 1 })
      for (const limit of [100, 50, 200]) {
        yield* one.tell({ reservation: call, reported: { requests: { limit, remaining: limit } } })
        yield* other.ask({ requests: 0 })
        assert.deepStrictEqual(limits(), { requests: limit })
      }
    })
  )

  it.live("keep what a call gave back, beyond what may leave at once, when an answer reports the same limit", () =>
    Effect.gen(function* () {
      const { join, paced } = store({ outputTokens: 60 })
      const one = yield* join()
      const call = yield* one.takes({ outputTokens: 30 })
      yield* Effect.sleep("600 millis")
      yield* one.tell({ reservation: call, used: nothing })
      yield* one.tell({ reservation: call, reported: { outputTokens: { limit: 60, remaining: 60 } } })
      assert.isAtLeast(yield* paced("outputTokens"), 1)
    })
  )

  it.live("keep to the lowest of their explicit limits, while the process that has it lives", () =>
    Effect.gen(function* () {
      const { join, limits } = store({ requests: 600 })
      const [one, careful] = [yield* join(), yield* join({ limits: { requests: 60 } })]
      const call = yield* one.takes({ requests: 1 })
      yield* careful.ask({ requests: 0 })
      yield* one.tell({ reservation: call, reported: { requests: { limit: 300, remaining: 300 } } })
      yield* one.ask({ requests: 0 })
      assert.deepStrictEqual(limits(), { requests: 60 })
      yield* careful.leave
      yield* one.ask({ requests: 0 })
      assert.deepStrictEqual(limits(), { requests: 300 })
    })
  )

  it.live("lower the level to what the API reports, and raise it by no more than what is not in flight", () =>
    Effect.gen(function* () {
      const { join, level } = store({ inputTokens: 60 })
      const one = yield* join()
      const call = yield* one.takes({ inputTokens: 4 })
      for (const [remaining, expected] of [
        [50, 50],
        [20, 20],
        [23, 20],
        [44, 40]
      ] as const) {
        yield* one.tell({ reservation: call, reported: { inputTokens: { limit: 60, remaining } } })
        assert.closeTo(yield* level("inputTokens"), expected, 1)
      }
    })
  )

  it.live("allow for the rounding of tokens to thousands", () =>
    Effect.gen(function* () {
      const { join, level } = store({ inputTokens: 600_000 })
      const one = yield* join()
      const call = yield* one.takes({ inputTokens: 100 })
      for (const [remaining, expected] of [
        [20_000, 20_000],
        [40_000, 39_400]
      ] as const) {
        yield* one.tell({ reservation: call, reported: { inputTokens: { limit: 600_000, remaining } } })
        assert.closeTo(yield* level("inputTokens"), expected, 1)
      }
    })
  )

  it.live("count output in flight as used, because the API counts it later", () =>
    Effect.gen(function* () {
      const { join, level } = store({ outputTokens: 6000 })
      const one = yield* join()
      const call = yield* one.takes({ outputTokens: 100 })
      yield* one.tell({ reservation: call, reported: { outputTokens: { limit: 6000, remaining: 3000 } } })
      assert.closeTo(yield* level("outputTokens"), 2900, 1)
    })
  )

  it.live("all wait when one of them is refused, and the wait counts from the first refusal", () =>
    Effect.gen(function* () {
      const { join } = store({ requests: 600 })
      const [one, other] = [yield* join(), yield* join()]
      const refused = yield* one.takes({ requests: 1 })
      const inFlight = yield* other.takes({ requests: 1 })
      yield* one.tell({ reservation: refused, pause: 5000, short: [] })
      const first = yield* other.waits({ requests: 1 })
      assert.strictEqual(first.binds, "pause")
      yield* other.tell({ reservation: inFlight, pause: 5000, short: [] })
      assert.isAtMost((yield* one.waits({ requests: 1 })).milliseconds, first.milliseconds)
    })
  )

  it.live("leave more slowly after a refusal, but only for the limit that was short", () =>
    Effect.gen(function* () {
      const { join, pace } = store({ requests: 600, inputTokens: 600 })
      const one = yield* join()
      const refused = yield* one.takes({ requests: 1 })
      yield* one.tell({ reservation: refused, pause: 100, short: ["inputTokens"] })
      assert.deepStrictEqual([yield* pace("requests"), yield* pace("inputTokens")], [1, 0.99])
    })
  )

  it.live("continue when the clock of the server is set back by an hour", () =>
    Effect.gen(function* () {
      const { join, setBack } = store({ requests: 600 })
      const one = yield* join()
      const refused = yield* one.takes({ requests: 5 })
      yield* one.tell({ reservation: refused, pause: 100, short: [] })
      yield* setBack
      assert.isAtMost((yield* one.waits({ requests: 5 })).milliseconds, 600)
      yield* Effect.sleep("800 millis")
      yield* one.takes({ requests: 5 })
    })
  )

  it.live("give back at once what a process held when it ends", () =>
    Effect.gen(function* () {
      const { join } = store({ requests: 600 })
      const [one, other] = [yield* join(), yield* join()]
      yield* one.takes({ requests: 5 })
      yield* other.waits({ requests: 4 })
      yield* one.leave
      yield* other.takes({ requests: 4 })
    })
  )

  it.live("give back what a killed process held when its lease ends, and only once if it was slow and not killed", () =>
    Effect.gen(function* () {
      const { join, level } = store({ requests: 60 })
      const [slow, other] = [yield* join({ lease: "300 millis" }), yield* join()]
      const call = yield* slow.takes({ requests: 40 })
      yield* slow.disconnect
      assert.isBelow(yield* level("requests"), 30)
      yield* Effect.sleep("400 millis")
      yield* other.ask({ requests: 0 })
      assert.isAbove(yield* level("requests"), 50)
      yield* other.tell({ reservation: call, used: amounts({ requests: 40 }) })
      assert.isBelow(yield* level("requests"), 30)
    })
  )

  it.live("are served in the order in which they began to wait", () =>
    Effect.gen(function* () {
      const { join } = store({ requests: 600 })
      const [one, other] = [yield* join(), yield* join()]
      const call = yield* one.takes({ requests: 5 })
      yield* one.waits({ requests: 5 })
      yield* one.tell({ reservation: call, used: nothing })
      assert.isAtLeast((yield* other.waits({ requests: 5 })).milliseconds, 400)
      yield* one.takes({ requests: 5 })
    })
  )

  it.live("do not wait for one that does not come back", () =>
    Effect.gen(function* () {
      const { join } = store({ requests: 600 })
      const [one, other] = [yield* join(), yield* join()]
      yield* one.takes({ requests: 5 })
      yield* one.waits({ requests: 5 })
      yield* other.waits({ requests: 5 })
      yield* Effect.sleep("800 millis")
      yield* other.takes({ requests: 5 })
    })
  )

  it.live("start a new Redis with the limits that they know, and with empty buckets", () =>
    Effect.gen(function* () {
      const { join, limits } = store({})
      const one = yield* join({ known: { requests: 600 } })
      assert.isAbove((yield* one.waits({ requests: 5 })).milliseconds, 450)
      assert.deepStrictEqual(limits(), { requests: 600 })
    })
  )

  it.live("start with an empty bucket after a time without Redis", () =>
    Effect.gen(function* () {
      const { join } = store({ requests: 600 })
      const one = yield* join({ wasAway: true })
      const { milliseconds } = yield* one.waits({ requests: 5 })
      assert.isAbove(milliseconds, 450)
    })
  )
})

// Builders

const amounts = (some: Partial<Amounts>): Amounts => ({ requests: 0, inputTokens: 0, outputTokens: 0, ...some })
const nothing = amounts({})

let stores = 0

/** A store of its own, which processes can join. */
const store = (limits: Limits) => {
  const storeId = `test-${process.pid}-${++stores}`
  let reported: Limits = {}
  const join = Effect.fnUntraced(function* (
    options: {
      readonly limits?: Limits
      readonly lease?: Duration.Input
      readonly wasAway?: boolean
      readonly known?: Limits
    } = {}
  ) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    let replies = 0
    const connection = yield* Scope.fork(scope)
    const redis = yield* Layer.buildWithScope(NodeRedis.layer({ url: TEST_REDIS_URL ?? "" }), connection)
    const buckets = yield* RedisBuckets.make({
      storeId,
      explicit: options.limits ?? limits,
      lease: Duration.fromInputUnsafe(options.lease ?? "10 seconds"),
      recall: () => ({ wasAway: options.wasAway ?? false, known: options.known ?? {} }),
      observe: (_, facts) => {
        replies += 1
        reported = facts.limits
      }
    }).pipe(Effect.provide(redis), Scope.provide(scope))
    const ask = (some: Partial<Amounts>) => buckets.reserve("group", amounts(some))
    return {
      ask,
      takes: (some: Partial<Amounts>) => Effect.filterOrElse(ask(some), isTicket, () => Effect.die("it must wait")),
      waits: (some: Partial<Amounts>) => Effect.filterOrElse(ask(some), isWait, () => Effect.die("it need not wait")),
      tell: (notice: Notice) =>
        Effect.suspend(() => {
          const before = replies
          const heard = Effect.repeat(Effect.sleep("1 millis"), { until: () => replies > before })
          return Effect.andThen(buckets.tell("group", notice), heard)
        }),
      leave: Scope.close(scope, Exit.void),
      disconnect: Scope.close(connection, Exit.void)
    }
  })
  const run = (lua: string) =>
    Redis.Redis.use((redis) => redis.send("EVAL", lua, "1", `${storeId}:rate-limit-1:group`)).pipe(
      Effect.provide(NodeRedis.layer({ url: TEST_REDIS_URL ?? "" }))
    )
  const inspect = Effect.flatMap(run(inspection), decodeState)
  return {
    join,
    limits: () => reported,
    /** The level of a bucket at the last exchange. */
    level: (kind: Kind) => Effect.map(inspect, ({ limits }) => limits[kind].level),
    pace: (kind: Kind) => Effect.map(inspect, ({ limits }) => limits[kind].pace),
    paced: (kind: Kind) => Effect.map(inspect, ({ limits }) => limits[kind].paced),
    /** Moves the state into the future, as if the clock of the server had been set back. */
    setBack: run(settingBack)
  }
}

const inspection = `return cjson.encode(cmsgpack.unpack(redis.call("GET", KEYS[1])))`

const settingBack = `
  local group = cmsgpack.unpack(redis.call("GET", KEYS[1]))
  for _, name in ipairs({ "since", "closedAt", "closedUntil" }) do group[name] = group[name] + 3600000 end
  for _, limit in pairs(group.limits) do limit.changedAt = limit.changedAt + 3600000 end
  redis.call("SET", KEYS[1], cmsgpack.pack(group))`

const Limit = Schema.Struct({ level: Schema.Finite, pace: Schema.Finite, paced: Schema.Finite })
const decodeState = Schema.decodeUnknownEffect(
  Schema.fromJsonString(
    Schema.Struct({ limits: Schema.Struct({ requests: Limit, inputTokens: Limit, outputTokens: Limit }) })
  )
)

const isTicket = (answer: Ticket | Wait): answer is Ticket => "at" in answer
const isWait = (answer: Ticket | Wait): answer is Wait => "binds" in answer
