/**
 * Answers repeated requests from a store; identical concurrent calls share one request. Use `bypass` when each sample
 * must be fresh. The key is the hash of the canonical request; every backend of `effect/persistence` is a store. Put it
 * outside `Retry`. (Effect's `PersistedCache` fails if its store fails, stores failures, and has no streams.)
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Layer from "effect/Layer"
import { BackingPersistence, type PersistenceError } from "effect/persistence/Persistence"
import * as Stream from "effect/Stream"
import * as Event from "../claude/Event.ts"
import { CallSite } from "../claude/CallSite.ts"
import { type Claude, Timeouts, wrap } from "../claude/Claude.ts"
import { discard, isEmulated, type Message, type Reply, type ReplyFacts } from "../claude/Reply.ts"
import * as Models from "../claude/Models.ts"
import * as Replay from "../claude/Replay.ts"
import { hash, mutatesServerState, type Request } from "../claude/Request.ts"
import * as Entry from "./responseCache/Entry.ts"
import { Lease } from "./responseCache/Lease.ts"
import * as Memory from "./responseCache/Memory.ts"
import * as Hit from "./responseCache/Hit.ts"
import * as SharedCalls from "./responseCache/SharedCalls.ts"
import * as Store from "./responseCache/Store.ts"

export { layer as layerRedis } from "./responseCache/Redis.ts"
export { layer as layerSql } from "./responseCache/Sql.ts"

/** How to cache. */
export interface Options {
  /**
   * Separates the caches in one store; `effect-claude` by default. Answers of an emulator are stored only under another
   * id, so that they never count as Claude's.
   */
  readonly storeId?: string
  /** How long an answer is used after it arrived; 30 days by default. */
  readonly timeToLive?: Duration.Input
  /**
   * Which answers to store. By default only complete answers, so no refused, truncated or paused ones. Errors, and
   * answers of a fallback or of another model than the requested one, are never stored.
   */
  readonly keep?: (message: Message) => boolean
}

/**
 * How calls use the cache. `readWrite` reads and stores; `bypass` does neither; `refresh` asks again and stores the
 * answer; `readOnly` reads and stores nothing.
 */
export type Mode = "readWrite" | "bypass" | "refresh" | "readOnly"

/** The mode of the running fiber. */
export const Mode: Context.Reference<Mode> = Context.Reference("effect-claude/ResponseCache/Mode", {
  defaultValue: (): Mode => "readWrite"
})

/** Runs an effect whose calls do not use the cache. */
export const bypass = Effect.provideService(Mode, "bypass")

/** Runs an effect whose calls are always sent. Their answers replace the stored ones. */
export const refresh = Effect.provideService(Mode, "refresh")

/** Runs an effect whose calls read stored answers and store nothing. */
export const readOnly = Effect.provideService(Mode, "readOnly")

/**
 * The answers to invalidate: the answer to one request, by `Request.hash`, or all answers of a model or with a label.
 */
export type Target =
  | { readonly key: string }
  | { readonly model: Request["model"] }
  | { readonly label: readonly [name: string, value: string] }

/**
 * Invalidates stored answers for every process that uses the store. With a model or a label, it also invalidates the
 * answers of calls that are in flight. An answer has the labels of the `CallSite` that stored it.
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

/** A store in memory: at most `capacity` entries (10,000 by default), with LRU eviction. */
export const layerMemory = (options?: { readonly capacity?: number }): Layer.Layer<BackingPersistence> =>
  Memory.layer(options?.capacity ?? 10_000)

/** The longest time that an operation of the store may take. */
const limit = "2 seconds"

/**
 * Caches `create` and `stream` alike: both share one entry. An answer from the cache has the `origin` `cache` and costs
 * nothing; a `call-hit` event reports the cost that it saved. A failure of the store counts as a miss; a store that
 * takes longer than 2 seconds is not used for the next 10.
 *
 * Identical concurrent calls with the same `Claude.Timeouts` share one request, which continues until the last caller
 * has left. Each reader of a shared stream reads it from the beginning; unread events stay in memory. The request runs
 * in the context of the first caller, whose listener receives its events.
 *
 * A request that continues a thread or uses a container on the server is always sent: it mutates server state.
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
        limit: peek === undefined ? limit : undefined
      })
      return caching(next, store, { isKept, isForeign })
    })
  )
}

type IsKept = (answer: Pick<Reply, "message" | "requestId">) => boolean

/** Which answers are stored. An emulator's answers are foreign to the default cache, and are not. */
interface Keeping {
  readonly isKept: IsKept
  readonly isForeign: IsKept
}

/** The result of a lookup: the stored answer, if any, and how to treat a fresh one. */
interface Found {
  readonly stored: Reply | undefined
  readonly discardable: <F extends ReplyFacts>(facts: F) => F
  readonly write: (reply: Reply) => Effect.Effect<void>
}

const foreign = "answers of an emulator are not stored in the default cache; give this cache another storeId"

const caching = (next: Claude["Service"], store: Store.Store, { isForeign, isKept }: Keeping): Claude["Service"] => {
  const shared = SharedCalls.make()
  const warned = new Set<string>()

  /** Explains once why the cache stays empty. */
  const warnOnce = (warning: string) =>
    Effect.suspend(() => {
      if (warned.has(warning)) return Effect.void
      warned.add(warning)
      return Effect.logWarning(warning)
    })

  /** Lets a rejected answer be removed from this cache, and from another cache below it. */
  const discardableBy = <F extends ReplyFacts>(facts: F, key: string, mode: Mode): F => ({
    ...facts,
    discard: () => Effect.andThen(discard(facts), mode === "readOnly" ? Effect.void : store.remove(key))
  })

  /** The reply of an entry; undefined if this cache would not store it. Another program may have stored it. */
  const usable = (entry: Entry.Entry, key: string, mode: Mode): Reply | undefined =>
    isKept(entry) && !isForeign(entry) ? discardableBy(replyOf(entry), key, mode) : undefined

  /** The answer in a store in memory. It is available at once, so no other call has to wait for it. */
  const peek = (key: string, mode: Mode): Reply | undefined => {
    const entry = mode === "refresh" ? undefined : store.peek(key)
    return entry && usable(entry, key, mode)
  }

  /** Looks for a stored answer. With leases, other processes wait while this one asks. */
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
          if (reply.fallback) return Effect.void
          return Models.isSame(request.model, model)
            ? store.write(key, reply, generations)
            : warnOnce(`${model} answered a request for ${request.model}, so the answer is not cached`)
        }
        const found: Found = { stored: entry && usable(entry, key, mode), discardable, write }
        return waitingSince === undefined
          ? Effect.succeed(found)
          : Effect.as(Event.emitWaited(request.model, "equal-call", waitingSince), found)
      })
    })

  // An answer that has arrived is billed, so an interruption does not keep it from being stored.
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
          : Replay.onReply(discardable, write)(next.stream(request))
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
        return shared.create(callOf(request, key, mode, fiber.getRef(Timeouts)), create(request, key, mode))
      }),
    stream: (request) =>
      Stream.unwrap(
        Effect.withFiber((fiber) => {
          const mode = fiber.getRef(Mode)
          const key = keyOf(request, mode)
          if (key === undefined) return Effect.succeed(next.stream(request))
          const stored = peek(key, mode)
          if (stored !== undefined) return Effect.map(Hit.hit(stored), Replay.toStream)
          const call = callOf(request, key, mode, fiber.getRef(Timeouts))
          return Effect.succeed(shared.stream(call, stream(request, key, mode)))
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

/** Calls share a request, and its failure, only if they have the same time-outs. */
const callOf = ({ model }: Request, key: string, mode: Mode, { call, idle }: typeof Timeouts.Service) => ({
  key: `${mode} ${Duration.toMillis(call)} ${Duration.toMillis(idle)} ${key}`,
  model
})

/** A request that cannot be written as JSON is passed on, and fails when it is sent. */
const hashOf = Option.liftThrowable(hash)

/** The key of a request; undefined if the cache must not answer it. */
const keyOf = (request: Request, mode: Mode): string | undefined =>
  mode === "bypass" || mutatesServerState(request) ? undefined : Option.getOrUndefined(hashOf(request))

const tagsOf = ({ model }: Request, { labels }: CallSite) => {
  const tags = [Store.modelTag(model)]
  for (const name in labels) tags.push(Store.labelTag(name, labels[name] ?? ""))
  return tags
}
