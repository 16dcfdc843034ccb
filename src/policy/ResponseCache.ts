/**
 * Answers what was asked before from a store, and of equal calls at the same time makes one; calls that are to differ,
 * such as samples, need `bypass`. The key is the hash of the canonical request; every backend of `effect/persistence` is
 * a store. (Its `PersistedCache` fails when its store does, stores failures, and knows no streams.) Put it outside
 * `Retry` and `Fallback`, and give what an emulator answers a `storeId` of its own.
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
import { type Claude, wrap } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import type { Message, Reply, ReplyFacts } from "../claude/Reply.ts"
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
  /** Keeps caches in one store apart; `effect-claude` by default. */
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
 * Caches `create` and `stream` alike: both share one entry and one flight. What comes from the cache has the `origin`
 * `cache` and costs nothing; a `call-hit` event tells what it would have cost. A store that fails is a miss.
 */
export const policy = (options: Options = {}) => {
  const { keep = Entry.isWhole, storeId = defaultStoreId, timeToLive = "30 days" } = options
  return wrap(
    Effect.fnUntraced(function* (next) {
      const backing = yield* (yield* BackingPersistence).make(storeId)
      const life = Duration.fromInputUnsafe(timeToLive)
      return caching(next, Store.make({ backing, lease: yield* Lease, storeId, timeToLive: life }), keep)
    })
  )
}

/** Either the answer, or the duty to get it and to tell what came of it. */
type Turn =
  | { readonly asks: false; readonly landing: Flights.Landing }
  | { readonly asks: true; readonly discard: Reply["discard"]; readonly settle: Settle }

type Settle = (landing: Flights.Landing) => Effect.Effect<void>

const caching = (
  next: Claude["Service"],
  store: Store.Store,
  keep: (message: Message) => boolean
): Claude["Service"] => {
  const flights = Flights.make()

  const take = Effect.fnUntraced(function* (request: Request, mode: Mode) {
    const key = hash(request)
    const discard = mode === "readOnly" ? undefined : () => store.remove(key)
    const place = yield* flights.board(`${mode} ${key}`)
    if (!place.leads) return yield* hit(place.landing, discard)

    const tags = tagsOf(request, yield* CallSite)
    const { entry, generations } = yield* mode === "readWrite"
      ? store.claim(key, tags)
      : store.look(mode === "refresh" ? undefined : key, tags)
    // Another program may keep what this one does not.
    if (entry !== undefined && keep(entry.message)) {
      const landing = Exit.succeed({ ...entry, origin: "cache", rateLimits: undefined } as const)
      place.land(landing)
      return yield* hit(landing, discard)
    }
    const isKept = ({ message }: Reply) =>
      mode !== "readOnly" && keep(message) && Entry.isSameModel(request.model, message.model)
    const settle = Effect.fnUntraced(function* (landing: Flights.Landing) {
      if (generations !== undefined && Exit.isSuccess(landing) && isKept(landing.value)) {
        yield* store.write(key, landing.value, generations)
      }
      place.land(landing)
    })
    return { asks: true, discard, settle } as const
  })

  const create = (request: Request, mode: Mode) =>
    Effect.scoped(
      Effect.flatMap(take(request, mode), (turn) =>
        turn.asks
          ? next.create(request).pipe(
              Effect.map((reply) => ({ ...reply, discard: turn.discard })),
              Effect.tap((reply) => turn.settle(Exit.succeed(reply))),
              Effect.tapError((error) => turn.settle(Exit.fail(error)))
            )
          : turn.landing
      )
    )

  const stream = (request: Request, mode: Mode) =>
    Stream.unwrap(
      Effect.map(take(request, mode), (turn) =>
        turn.asks ? recorded(next.stream(request), turn) : Stream.unwrap(Effect.map(turn.landing, replay))
      )
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

const tagsOf = ({ model }: Request, { labels }: CallSite) => [
  Store.modelTag(model),
  ...Object.entries(labels).map(([name, value]) => Store.labelTag(name, value))
]

/** Hands on what one has not asked for oneself. */
const hit = Effect.fnUntraced(function* (landing: Flights.Landing, discard: Reply["discard"]) {
  if (Exit.isFailure(landing)) return { asks: false, landing } satisfies Turn
  const { message, requestId } = landing.value
  const reply: Reply = { message, requestId, origin: "cache", rateLimits: undefined, discard }
  yield* CallEvent.emitHit(reply)
  return { asks: false, landing: Exit.succeed(reply) } satisfies Turn
})

/** A stream of a message that is there. */
const replay = ({ message, ...facts }: Reply): Stream.Stream<StreamEvent.StreamEvent> =>
  Stream.fromIterable([{ type: "stream_start", ...facts }, ...StreamEvent.fromMessage(message)])

/** Settles the flight when the message is whole, before its last events are handed on. */
const recorded = (
  events: Stream.Stream<StreamEvent.StreamEvent, ClaudeError>,
  { discard, settle }: { readonly discard: Reply["discard"]; readonly settle: Settle }
) => {
  const accumulator = StreamEvent.accumulator()
  let facts: ReplyFacts | undefined

  const record = (event: StreamEvent.StreamEvent): StreamEvent.StreamEvent => {
    accumulator.add(event)
    return event.type === "stream_start" ? (facts = { ...event, discard }) : event
  }
  return events.pipe(
    Stream.mapArrayEffect((chunk) => {
      const recorded = Arr.map(chunk, record)
      const message = chunk.some(({ type }) => type === "message_stop") ? accumulator.message() : undefined
      if (facts === undefined || message === undefined) return Effect.succeed(recorded)
      return Effect.as(settle(Exit.succeed({ ...facts, message })), recorded)
    }),
    Stream.tapError((error) => settle(Exit.fail(error)))
  )
}
