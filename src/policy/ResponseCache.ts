/**
 * Answers what was asked before from a store, and of equal calls at the same time makes one; calls that are to differ,
 * such as samples, need `bypass`. The key is the hash of the canonical request; every backend of `effect/persistence` is
 * a store. (Its `PersistedCache` fails when its store does, stores failures, and knows no streams.) Put it outside
 * `Retry` and `Fallback`.
 */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import { BackingPersistence, type PersistenceError } from "effect/persistence/Persistence"
import * as Stream from "effect/Stream"
import * as CallEvent from "../claude/CallEvent.ts"
import { CallSite } from "../claude/CallSite.ts"
import { type Claude, Timeouts, wrap } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import { discard, isEmulated, type Message, type Reply, type ReplyFacts } from "../claude/Reply.ts"
import { hash, type Request } from "../claude/Request.ts"
import * as StreamEvent from "../claude/StreamEvent.ts"
import * as Entry from "./responseCache/Entry.ts"
import * as Flights from "./responseCache/Flights.ts"
import { Lease } from "./responseCache/Lease.ts"
import * as Memory from "./responseCache/Memory.ts"
import * as Store from "./responseCache/Store.ts"

export { layerRedis, layerSql } from "./responseCache/Lease.ts"

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

const defaultStoreId = "effect-claude"

/**
 * Makes stored answers count for nothing, for every process that uses the store. By model and by label, that includes
 * calls now in flight. Labels are those of the `CallSite` that an answer was stored from.
 */
export const invalidate = (
  target: Target,
  options?: Pick<Options, "storeId">
): Effect.Effect<void, PersistenceError, BackingPersistence> =>
  Effect.gen(function* () {
    const store = yield* (yield* BackingPersistence).make(options?.storeId ?? defaultStoreId)
    if ("key" in target) return yield* store.remove(target.key)
    yield* Store.renew(store, "model" in target ? Store.modelTag(target.model) : Store.labelTag(...target.label))
  }).pipe(Effect.scoped)

/** A store in memory: at most `capacity` entries (by default 10,000), those used last; gone with the process. */
export const layerMemory = (options?: { readonly capacity?: number }): Layer.Layer<BackingPersistence> =>
  Memory.layer(options?.capacity ?? 10_000)

/**
 * Caches `create` and `stream` alike: both share one entry. What comes from the cache has the `origin` `cache` and costs
 * nothing; a `call-hit` event tells what it would have cost. A store that fails is a miss; one that takes longer than 2
 * seconds is left alone for 10.
 *
 * Of equal calls at the same time, with the same `Claude.Timeouts`, one is made for all, and streams wait for it too.
 * Nobody waits for a stream, since that goes on only while it is read: equal streams at the same time are each asked.
 */
export const policy = (options: Options = {}) => {
  const { keep = Entry.isWhole, storeId = defaultStoreId, timeToLive = "30 days" } = options
  const isKept: IsKept = ({ message, requestId }) =>
    keep(message) && (storeId !== defaultStoreId || !isEmulated(requestId))
  return wrap(
    Effect.fnUntraced(function* (next) {
      const backing = yield* (yield* BackingPersistence).make(storeId)
      const life = Duration.fromInputUnsafe(timeToLive)
      return caching(next, Store.make({ backing, lease: yield* Lease, storeId, timeToLive: life }), isKept)
    })
  )
}

type IsKept = (answer: Pick<Reply, "message" | "requestId">) => boolean

/** What becomes of an answer that has to be asked for. */
interface Miss {
  readonly stored: undefined
  readonly discardable: <F extends ReplyFacts>(facts: F) => F
  readonly write: (reply: Reply) => Effect.Effect<void>
}

type Found = { readonly stored: Reply } | Miss

const caching = (next: Claude["Service"], store: Store.Store, isKept: IsKept): Claude["Service"] => {
  const flights = Flights.make()

  /** Whoever leads a flight keeps other processes waiting too. */
  const look = Effect.fnUntraced(function* (request: Request, key: string, mode: Mode, leads: boolean) {
    const tags = tagsOf(request, yield* CallSite)
    const { entry, generations } = yield* leads && mode === "readWrite"
      ? store.claim(key, tags)
      : store.look(mode === "refresh" ? undefined : key, tags)

    const remove = mode === "readOnly" ? Effect.void : store.remove(key)
    // A cache below may hold it too.
    const discardable: Miss["discardable"] = (facts) => ({
      ...facts,
      discard: () => Effect.andThen(discard(facts), remove)
    })
    // Another program may keep what this one does not.
    if (entry !== undefined && isKept(entry)) {
      const { message, requestId } = entry
      const facts: ReplyFacts = { requestId, origin: "cache", rateLimits: undefined }
      return { stored: discardable({ ...facts, message }) } satisfies Found
    }
    const write: Miss["write"] = (reply) => {
      const isStored = mode !== "readOnly" && isKept(reply) && Entry.isSameModel(request.model, reply.message.model)
      return isStored && generations !== undefined ? store.write(key, reply, generations) : Effect.void
    }
    return { stored: undefined, discardable, write } satisfies Found
  })

  // An answer that is there has been paid for: no interruption keeps it from being stored.
  const create = (request: Request, mode: Mode) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const key = hash(request)
        const place = yield* restore(flights.board(yield* flightOf(key, mode)))
        if (!place.leads) return yield* Effect.flatMap(place.landing, hit)
        const found = yield* restore(look(request, key, mode, true))
        if (found.stored !== undefined) {
          place.land(Exit.succeed(found.stored))
          return yield* hit(found.stored)
        }
        const reply = yield* restore(next.create(request)).pipe(
          Effect.map(found.discardable),
          Effect.tapError((error) => Effect.sync(() => place.land(Exit.fail(error))))
        )
        yield* found.write(reply)
        place.land(Exit.succeed(reply))
        return reply
      }).pipe(Effect.scoped)
    )

  const stream = (request: Request, mode: Mode) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const key = hash(request)
        const landing = yield* flights.follow(yield* flightOf(key, mode))
        if (landing !== undefined) return replay(yield* Effect.flatMap(landing, hit))
        const found = yield* look(request, key, mode, false)
        return found.stored === undefined ? recorded(next.stream(request), found) : replay(yield* hit(found.stored))
      })
    )

  return {
    create: (request) =>
      Effect.flatMap(Mode, (mode) => (mode === "bypass" ? next.create(request) : create(request, mode))),
    stream: (request) =>
      Stream.unwrap(Effect.map(Mode, (mode) => (mode === "bypass" ? next.stream(request) : stream(request, mode)))),
    countTokens: next.countTokens,
    capacity: next.capacity
  }
}

/** Those who fail together have the same patience. */
const flightOf = (key: string, mode: Mode) =>
  Effect.map(Timeouts, ({ call }) => `${mode} ${Duration.toMillis(call)} ${key}`)

const tagsOf = ({ model }: Request, { labels }: CallSite) => [
  Store.modelTag(model),
  ...Object.entries(labels).map(([name, value]) => Store.labelTag(name, value))
]

/** What one has not asked for oneself. */
const hit = Effect.fnUntraced(function* ({ discard, message, requestId }: Reply) {
  const reply: Reply = { message, requestId, origin: "cache", rateLimits: undefined, discard }
  yield* CallEvent.emitHit(reply)
  return reply
})

/** A stream of a message that is there. */
const replay = ({ message, ...facts }: Reply): Stream.Stream<StreamEvent.StreamEvent> =>
  Stream.fromIterable([{ type: "stream_start", ...facts }, ...StreamEvent.fromMessage(message)])

/** Stores the message when it is whole, before its last events are handed on. */
const recorded = (events: Stream.Stream<StreamEvent.StreamEvent, ClaudeError>, { discardable, write }: Miss) => {
  const accumulator = StreamEvent.accumulator()
  let facts: ReplyFacts | undefined

  const record = (event: StreamEvent.StreamEvent): StreamEvent.StreamEvent => {
    accumulator.add(event)
    return event.type === "stream_start" ? (facts = discardable(event)) : event
  }
  return Stream.mapArrayEffect(events, (chunk) => {
    const recorded = Arr.map(chunk, record)
    const message = chunk.some(({ type }) => type === "message_stop") ? accumulator.message() : undefined
    if (facts === undefined || message === undefined) return Effect.succeed(recorded)
    return Effect.as(Effect.uninterruptible(write({ ...facts, message })), recorded)
  })
}
