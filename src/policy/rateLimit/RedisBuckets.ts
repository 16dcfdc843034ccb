/**
 * The buckets in a Redis server, over one connection. A reservation is one round trip, which also carries what has
 * become of earlier reservations. An operation fails if Redis does not answer within a second, and the connection is not
 * used again: what this process holds is given back after the lease, unless it is settled over the next connection.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Redis from "effect/persistence/Redis"
import * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type { Amounts, Limits, Wait } from "./Buckets.ts"
import {
  decodeAnswer,
  decodeFacts,
  type Exchange,
  type Facts,
  type Notice,
  script,
  type Ticket
} from "./RedisScript.ts"

/** Why the connection cannot be used any longer. */
export type Failure = Redis.RedisError | Schema.SchemaError | Cause.TimeoutError

/** The buckets, for as long as the connection works. */
export interface RedisBuckets {
  readonly reserve: (group: string, amounts: Amounts) => Effect.Effect<Ticket | Wait, Failure>
  /** Sends a notice with the next reservation, or soon. */
  readonly tell: (group: string, notice: Notice) => Effect.Effect<void>
  /** Fails when an operation has failed. */
  readonly failed: Effect.Effect<never, Failure>
}

/** How a process uses the buckets. */
export interface Options {
  /** Separates the limits of several organizations in one Redis. */
  readonly storeId: string
  readonly explicit: Limits
  /** What a killed process held is given back after this time; 10 seconds by default. */
  readonly lease?: Duration.Duration
  /** What the process knows about a group; read once for each exchange. */
  readonly recall: (group: string) => Pick<Exchange, "wasAway" | "known">
  /** Receives what every reply says. */
  readonly observe: (group: string, facts: Facts) => void
}

/** Part of the keys. Change it with the form of the stored state, so that older processes keep their own. */
const version = "rate-limit-1"

/**
 * Fails after a second. After a stall of this process, its timer ends before the process reads an answer that arrived
 * during the stall, so several short timers make up the second.
 */
const late = Effect.sleep("250 millis").pipe(
  Effect.repeat({ times: 3 }),
  Effect.andThen(Effect.fail(new Cause.TimeoutError("no answer within a second")))
)

/** When the scope closes, the process leaves, and other processes have what it held. */
export const make = Effect.fnUntraced(function* ({
  explicit,
  lease = Duration.seconds(10),
  observe,
  recall,
  storeId
}: Options) {
  const redis = yield* Redis.Redis
  const run = redis.eval(script)
  const scope = yield* Effect.scope
  const process = `${yield* Clock.currentTimeMillis}-${yield* Random.next}`
  const failure = yield* Deferred.make<never, Failure>()
  /** The notices of each group that this connection has used. */
  const notices = new Map<string, Array<Notice>>()

  const exchange = <A extends Facts>(
    group: string,
    decode: (reply: unknown) => Effect.Effect<A, Schema.SchemaError>,
    asked?: Pick<Exchange, "amounts" | "leaves">
  ): Effect.Effect<A, Failure> =>
    Effect.suspend(() => {
      const waiting = notices.get(group) ?? []
      notices.set(group, [])
      const sent: Exchange = {
        process,
        lease: Duration.toMillis(lease),
        explicit,
        notices: waiting,
        ...recall(group),
        ...asked
      }
      return run(`${storeId}:${version}:${group}`, JSON.stringify(sent))
    }).pipe(
      Effect.raceFirst(late),
      Effect.flatMap(decode),
      Effect.tap((facts) => Effect.sync(() => observe(group, facts))),
      Effect.tapError((error) => Deferred.fail(failure, error))
    )

  const report = (group: string, asked?: Pick<Exchange, "leaves">) => Effect.ignore(exchange(group, decodeFacts, asked))

  const flush = (group: string) => Effect.suspend(() => (notices.get(group)?.length ? report(group) : Effect.void))

  yield* Effect.addFinalizer(() =>
    Deferred.isDoneUnsafe(failure)
      ? Effect.void
      : Effect.forEach(notices.keys(), (group) => report(group, { leaves: true }), { discard: true })
  )
  yield* Effect.suspend(() => Effect.forEach(notices.keys(), (group) => report(group), { discard: true })).pipe(
    Effect.repeat(Schedule.spaced(Duration.times(lease, 0.3))),
    Effect.forkScoped
  )

  const buckets: RedisBuckets = {
    reserve: (group, amounts) =>
      Effect.map(exchange(group, decodeAnswer, { amounts }), (answer): Ticket | Wait =>
        "at" in answer
          ? { process, at: answer.at, used: answer.used, amounts }
          : { _tag: "Wait", milliseconds: answer.wait, binds: answer.binds }
      ),
    tell: (group, notice) =>
      Effect.suspend(() => {
        const waiting = notices.get(group) ?? []
        notices.set(group, waiting)
        if (waiting.push(notice) > 1) return Effect.void
        return Effect.forkIn(Effect.andThen(Effect.yieldNow, flush(group)), scope)
      }),
    failed: Deferred.await(failure)
  }
  return buckets
})
