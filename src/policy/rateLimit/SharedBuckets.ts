/**
 * The buckets of several processes, in Redis. While Redis cannot be used, each process continues with its share: the
 * limits that were last known, divided by the number of processes that Redis last knew of. A process that has never
 * reached Redis takes the whole limits. No call fails because of Redis, or waits longer for it than a second.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Redis from "effect/persistence/Redis"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { Redactor } from "../../claude/Redact.ts"
import { type Buckets, type Kind, kinds, type Limits, type Reservation } from "./Buckets.ts"
import * as Limit from "./Limit.ts"
import * as LocalShare from "./LocalShare.ts"
import * as RedisBuckets from "./RedisBuckets.ts"
import type { Facts, Notice, Ticket } from "./RedisScript.ts"

/** Makes the buckets of a process, with its explicit limits. The process uses them until the scope closes. */
export type Shared = (explicit: Limits) => Effect.Effect<Buckets, never, Scope.Scope>

/** How often Redis is tried while it cannot be used. */
const retry = Schedule.spaced("1 second")

/** How long the start and the end of the process wait for Redis. */
const patience = "1 second"

/**
 * The buckets of all processes that use one Redis, such as `NodeRedis.layer({ url })`; each process makes its
 * own connection. Processes whose API keys have different limits need different values of `storeId`, which is
 * `effect-claude` by default.
 */
export const make =
  <E>(connection: Layer.Layer<Redis.Redis, E>, options: { readonly storeId?: string } = {}): Shared =>
  (explicit) =>
    Effect.gen(function* () {
      const { storeId = "effect-claude" } = options
      const tried = yield* Deferred.make<void>()
      const state = makeState(explicit)
      const connected = Effect.gen(function* () {
        const context = yield* Layer.build(Layer.fresh(connection)).pipe(Effect.provide(silent))
        const redis = yield* RedisBuckets.make({ storeId, explicit, ...state }).pipe(Effect.provide(context))
        const { back } = state.found(redis)
        yield* Effect.forkScoped(back)
        yield* Deferred.succeed(tried, undefined)
        return yield* redis.failed
      })
      const connecting = Effect.onExit(closing(connected), (exit) =>
        Exit.isFailure(exit) ? state.lost(exit.cause) : Effect.void
      )
      yield* Effect.ignore(connecting).pipe(
        Effect.ensuring(Deferred.succeed(tried, undefined)),
        Effect.repeat(retry),
        Effect.forkScoped
      )
      yield* Effect.timeoutOption(Deferred.await(tried), patience)
      return state.buckets
    })

/** The client reports each of its attempts to connect; `SharedBuckets` reports only the first. */
const silent = Logger.layer([])

/**
 * Runs an effect in its own scope. Only the end of the process waits for the scope to close, and not for long: a
 * client without a server may never close.
 */
const closing = <A, E, R>(effect: Effect.Effect<A, E, R | Scope.Scope>) =>
  Effect.suspend(() => {
    const scope = Scope.makeUnsafe()
    return Effect.onExit(Scope.provide(effect, scope), (exit) =>
      Effect.flatMap(Effect.forkDetach(Scope.close(scope, exit)), (fiber) =>
        Exit.hasInterrupts(exit) ? Effect.timeoutOption(Fiber.await(fiber), patience) : Effect.void
      )
    )
  })

/** What the process knows of Redis, and the buckets that it uses now. */
const makeState = (explicit: Limits) => {
  let redis: RedisBuckets.RedisBuckets | undefined
  let local = new Map<string, Buckets>()
  /** The last reply about each group. */
  const known = new Map<string, Facts>()
  /** The groups with calls that Redis does not know of. */
  const away = new Set<string>()
  let isReported = false
  /** Is done once Redis has answered. One that is full can be connected to, and refuses every call. */
  let answered = Deferred.makeUnsafe<void>()

  const localOf = (group: string): Buckets => {
    const { limits, processes } = known.get(group) ?? { limits: explicit, processes: mostOf(known) }
    const buckets = local.get(group) ?? LocalShare.make(limits, processes)
    local.set(group, buckets)
    return buckets
  }
  const reserveLocally: Buckets["reserve"] = (group, amounts) => {
    away.add(group)
    return localOf(group).reserve(group, amounts)
  }
  const reservation = (group: string, ticket: Ticket): Reservation => {
    const tell = (notice: Notice) => Effect.suspend(() => redis?.tell(group, notice) ?? Effect.void)
    let short: ReadonlyArray<Kind> = []
    return {
      _tag: "Reservation",
      learn: (reported) => {
        short = kinds.filter((kind) => {
          const bucket = reported[kind]
          return bucket !== undefined && Limit.leavesTooLittle(bucket, ticket.amounts[kind])
        })
        return tell({ reservation: ticket, reported })
      },
      settle: (used) => tell({ reservation: ticket, used }),
      refused: (milliseconds) => tell({ reservation: ticket, pause: milliseconds, short })
    }
  }
  const buckets: Buckets = {
    reserve: (group, amounts) =>
      Effect.suspend(() => {
        if (redis === undefined) return reserveLocally(group, amounts)
        return redis.reserve(group, amounts).pipe(
          Effect.tap(Deferred.succeed(answered, undefined)),
          Effect.map((answer) => ("_tag" in answer ? answer : reservation(group, answer))),
          Effect.catch(() => reserveLocally(group, amounts)),
          Effect.uninterruptible
        )
      })
  }
  return {
    buckets,
    recall: (group: string) => ({ wasAway: away.delete(group), known: known.get(group)?.limits ?? {} }),
    observe: (group: string, facts: Facts) => {
      known.set(group, facts)
    },
    /** Uses Redis from now on. `back` reports it after the first answer. */
    found: (found: RedisBuckets.RedisBuckets) => {
      redis = found
      answered = Deferred.makeUnsafe()
      const back = Effect.gen(function* () {
        yield* Deferred.await(answered)
        if (!isReported) return
        isReported = false
        yield* Effect.logInfo("Redis is back: the rate limits are shared again")
      })
      return { back }
    },
    lost: Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
      if (Deferred.isDoneUnsafe(answered)) local = new Map()
      redis = undefined
      answered = Deferred.makeUnsafe()
      if (isReported || Cause.hasInterruptsOnly(cause)) return
      isReported = true
      const redact = yield* Redactor
      const processes = mostOf(known)
      const share = processes === 1 ? "the whole limits" : `1/${processes} of the limits`
      yield* Effect.logWarning(
        `the rate limits cannot be shared, because Redis does not work: ${redact(detailOf(cause))}; until it is back, this process uses ${share}`
      )
    })
  }
}

const mostOf = (known: ReadonlyMap<string, Facts>) =>
  Math.max(1, ...Array.from(known.values(), ({ processes }) => processes))

/** The message of the client, which is the cause of Effect's error. */
const detailOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return inner instanceof Error ? inner.message : String(inner)
}
