/**
 * Answers what was asked before from a store, and of equal calls at the same time makes one; calls that are to differ,
 * such as samples, need `bypass`. The key is the hash of the canonical request; every backend of `effect/persistence` is
 * a store. (Its `PersistedCache` fails when its store does, stores failures, and knows no streams.) Put it outside
 * `Retry`.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Layer from "effect/Layer"
import { BackingPersistence, type PersistenceError } from "effect/persistence/Persistence"
import * as Stream from "effect/Stream"
import * as Event from "../claude/Event.ts"
import { CallSite } from "../claude/CallSite.ts"
import { type Claude, Timeouts, wrap } from "../claude/Claude.ts"
import { discard, isEmulated, type Message, type Reply, type ReplyFacts } from "../claude/Reply.ts"
import * as Models from "../claude/Models.ts"
import * as Replay from "../claude/Replay.ts"
import { hash, type Request } from "../claude/Request.ts"
import * as Entry from "./responseCache/Entry.ts"
import * as Flights from "./responseCache/Flights.ts"
import { Lease } from "./responseCache/Lease.ts"
import * as Memory from "./responseCache/Memory.ts"
import * as Hit from "./responseCache/Hit.ts"
import * as Store from "./responseCache/Store.ts"

export { layer as layerRedis } from "./responseCache/Redis.ts"
export { layer as layerSql } from "./responseCache/Sql.ts"

/** How to cache. */
export interface Options {
  /**
   * Keeps caches in one store apart; `effect-claude` by default. What an emulator answered is stored only where this is
   * another: it is never to be taken for Claude's.
   */
  readonly storeId?: string
  /** How long an answer is used after it came; 30 days by default. */
  readonly timeToLive?: Duration.Input
  /**
   * Which answers to store. By default those that Claude ended itself: not the refused, cut off or paused ones. Errors,
   * and answers of another model than the one asked, are never stored.
   */
  readonly keep?: (message: Message) => boolean
}

/**
 * What calls do with the cache: `readWrite`; `bypass`, nothing; `refresh`, ask anew and store that; `readOnly`, store
 * nothing.
 */
export type Mode = "readWrite" | "bypass" | "refresh" | "readOnly"

/** The mode of the running fiber. */
export const Mode: Context.Reference<Mode> = Context.Reference("effect-claude/ResponseCache/Mode", {
  defaultValue: (): Mode => "readWrite"
})

/** Runs an effect whose calls neither read the cache nor write to it. */
export const bypass = Effect.provideService(Mode, "bypass")

/** Runs an effect whose calls are all made, and their answers stored. */
export const refresh = Effect.provideService(Mode, "refresh")

/** Runs an effect whose calls use what is stored, and store nothing. */
export const readOnly = Effect.provideService(Mode, "readOnly")

/** What is to be asked anew: one request by its `Request.hash`, or all with this model, or with this label. */
export type Target =
  | { readonly key: string }
  | { readonly model: Request["model"] }
  | { readonly label: readonly [name: string, value: string] }

/**
 * Makes stored answers count for nothing, for every process that uses the store. By model and by label, that includes
 * calls now in flight. Labels are those of the `CallSite` that an answer was stored from.
 */
export const invalidate = (
  target: Target,
  options?: Pick<Options, "storeId">
): Effect.Effect<void, PersistenceError, BackingPersistence> =>
  Effect.gen(function* () {
    const store = yield* (yield* BackingPersistence).make(options?.storeId ?? Store.defaultStoreId)
    if ("key" in target) return yield* store.remove(target.key)
    yield* Store.renew(store, "model" in target ? Store.modelTag(target.model) : Store.labelTag(...target.label))
  }).pipe(Effect.scoped)

/** A store in memory: at most `capacity` entries (by default 10,000), those used last; gone with the process. */
export const layerMemory = (options?: { readonly capacity?: number }): Layer.Layer<BackingPersistence> =>
  Memory.layer(options?.capacity ?? 10_000)

/** A store that takes longer than this is as good as none. */
const patience = "2 seconds"

/**
 * Caches `create` and `stream` alike: both share one entry. What comes from the cache has the `origin` `cache` and costs
 * nothing; a `call-hit` event tells what it would have cost. A store that fails is a miss; one that takes longer than 2
 * seconds is left alone for 10.
 *
 * Of equal calls at the same time, with the same `Claude.Timeouts`, one is made for all, and goes on until the last of
 * them has left; where it is a stream, each reads it from its beginning, and what nobody has read yet is in memory. It is
 * the call of the one who came first, whose listener hears of it: what he leaves behind is in nobody's span.
 *
 * What goes on with a server-held thread or in a container of the caller's is always asked: it changes what it goes on with.
 */
export const policy = (options: Options = {}) => {
  const { keep = Entry.isWhole, storeId = Store.defaultStoreId, timeToLive = "30 days" } = options
  const isKept: IsKept = ({ message }) => keep(message)
  const isForeign: IsKept = ({ requestId }) => storeId === Store.defaultStoreId && isEmulated(requestId)
  return wrap(
    Effect.fnUntraced(function* (next) {
      const backing = yield* BackingPersistence
      const peek = Memory.peekOf(backing, storeId)
      const store = Store.make({
        backing: yield* backing.make(storeId),
        lease: yield* Lease,
        storeId,
        timeToLive: Duration.fromInputUnsafe(timeToLive),
        peek,
        patience: peek === undefined ? patience : undefined
      })
      return caching(next, store, { isKept, isForeign })
    })
  )
}

type IsKept = (answer: Pick<Reply, "message" | "requestId">) => boolean

/** Which answers are kept; those of an emulator may be foreign, and are not. */
interface Keeping {
  readonly isKept: IsKept
  readonly isForeign: IsKept
}

/** What the store has, or what becomes of an answer that has to be asked for. */
interface Found {
  readonly stored: Reply | undefined
  readonly discardable: <F extends ReplyFacts>(facts: F) => F
  readonly write: (reply: Reply) => Effect.Effect<void>
}

const foreign = "an emulator's answers are kept in no cache of the usual name; give this one a storeId of its own"

const caching = (next: Claude["Service"], store: Store.Store, { isForeign, isKept }: Keeping): Claude["Service"] => {
  const flights = Flights.make()
  const told = new Set<string>()

  /** Whoever looks for what is never there should know why. */
  const warnOnce = (warning: string) =>
    Effect.suspend(() => {
      if (told.has(warning)) return Effect.void
      told.add(warning)
      return Effect.logWarning(warning)
    })

  /** A cache below may hold the answer too. */
  const discardableBy = <F extends ReplyFacts>(facts: F, key: string, mode: Mode): F => ({
    ...facts,
    discard: () => Effect.andThen(discard(facts), mode === "readOnly" ? Effect.void : store.remove(key))
  })

  /** The reply of an entry; undefined where another program keeps answers that this one does not. */
  const usable = (entry: Entry.Entry, key: string, mode: Mode): Reply | undefined =>
    isKept(entry) && !isForeign(entry) ? discardableBy(replyOf(entry), key, mode) : undefined

  /** The answer that is in memory: it needs no flight, since no other call has to wait for it. */
  const peek = (key: string, mode: Mode): Reply | undefined => {
    const entry = mode === "refresh" ? undefined : store.peek(key)
    return entry && usable(entry, key, mode)
  }

  /** Whoever leads a flight keeps other processes waiting too. */
  const look = (request: Request, key: string, mode: Mode) =>
    Effect.withFiber((fiber) => {
      const tags = tagsOf(request, fiber.getRef(CallSite))
      const looking =
        mode === "readWrite" ? store.claim(key, tags) : store.look(mode === "refresh" ? undefined : key, tags)
      return Effect.flatMap(looking, ({ entry, generations, waitingSince }) => {
        const discardable: Found["discardable"] = (facts) => discardableBy(facts, key, mode)
        const write: Found["write"] = (reply) => {
          if (mode === "readOnly" || generations === undefined || !isKept(reply)) return Effect.void
          if (isForeign(reply)) return warnOnce(foreign)
          const { model } = reply.message
          return Models.isSame(request.model, model)
            ? store.write(key, reply, generations)
            : warnOnce(`${request.model} was asked and ${model} answered: such answers are not cached`)
        }
        const found: Found = { stored: entry && usable(entry, key, mode), discardable, write }
        return waitingSince === undefined
          ? Effect.succeed(found)
          : Effect.as(Event.emitWaited(request.model, "equal-call", waitingSince), found)
      })
    })

  // An answer that is there has been paid for: no interruption keeps it from being stored.
  const create = (request: Request, key: string, mode: Mode) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(look(request, key, mode)), ({ discardable, stored, write }) => {
        if (stored !== undefined) return Hit.hit(stored)
        const asked = Effect.map(restore(next.create(request)), (reply) => discardable(reply))
        return Effect.flatMap(asked, (reply) => Effect.as(write(reply), reply))
      })
    ).pipe(Effect.scoped)

  const stream = (request: Request, key: string, mode: Mode) =>
    Stream.unwrap(
      Effect.map(look(request, key, mode), ({ discardable, stored, write }) =>
        stored !== undefined
          ? Stream.unwrap(Effect.map(Hit.hit(stored), Replay.toStream))
          : Replay.onReply(discardable, (reply) => Effect.uninterruptible(write(reply)))(next.stream(request))
      )
    )

  return {
    create: (request) =>
      Effect.withFiber((fiber) => {
        const mode = fiber.getRef(Mode)
        const key = keyOf(request, mode)
        if (key === undefined) return next.create(request)
        const stored = peek(key, mode)
        if (stored !== undefined) return Hit.hit(stored)
        return flights.create(wanted(request, key, mode, fiber.getRef(Timeouts)), create(request, key, mode))
      }),
    stream: (request) =>
      Stream.unwrap(
        Effect.withFiber((fiber) => {
          const mode = fiber.getRef(Mode)
          const key = keyOf(request, mode)
          if (key === undefined) return Effect.succeed(next.stream(request))
          const stored = peek(key, mode)
          if (stored !== undefined) return Effect.map(Hit.hit(stored), Replay.toStream)
          const flight = wanted(request, key, mode, fiber.getRef(Timeouts))
          return Effect.succeed(flights.stream(flight, stream(request, key, mode)))
        })
      ),
    countTokens: next.countTokens,
    capacity: next.capacity
  }
}

const replyOf = ({ message, requestId }: Entry.Entry): Reply => ({
  message,
  requestId,
  origin: "cache",
  rateLimits: undefined
})

/** Those who fail together have the same patience. */
const wanted = ({ model }: Request, key: string, mode: Mode, { call, idle }: typeof Timeouts.Service) => ({
  key: `${mode} ${Duration.toMillis(call)} ${Duration.toMillis(idle)} ${key}`,
  model
})

/** What is not JSON cannot be sent either: below, they say so. */
const hashOf = Option.liftThrowable(hash)

/** None where the cache is not to answer. */
const keyOf = (request: Request, mode: Mode): string | undefined =>
  mode === "bypass" || goesOn(request) ? undefined : Option.getOrUndefined(hashOf(request))

/** Whether it changes something that the server holds. */
const goesOn = ({ container, thread }: Request): boolean =>
  Predicate.isNotNullish(thread) || Predicate.isString(container) || Predicate.isNotNullish(container?.id)

const tagsOf = ({ model }: Request, { labels }: CallSite) => {
  const tags = [Store.modelTag(model)]
  for (const name in labels) tags.push(Store.labelTag(name, labels[name] ?? ""))
  return tags
}
