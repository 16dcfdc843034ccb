/**
 * Wraps the store of the cache so that it never fails. An error counts as a miss; it is reported as a `cache-failed`
 * event and logged once a minute.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type BackingPersistenceStore, PersistenceError } from "effect/persistence/Persistence"
import * as Event from "../../claude/Event.ts"
import { Redactor } from "../../claude/Redact.ts"
import type { Reply } from "../../claude/Reply.ts"
import * as Sha256 from "../../claude/Sha256.ts"
import * as Entry from "./Entry.ts"
import type { Lease } from "./Lease.ts"
import type { Peek } from "./Memory.ts"

/** The result of a lookup in the store. */
export interface Found {
  readonly entry: Entry.Entry | undefined
  /** The current generations; undefined if they cannot be read. Then no answer is stored. */
  readonly generations: Entry.Generations | undefined
  /** The time, in nanoseconds, at which the wait for another process began. */
  readonly waitingSince?: bigint | undefined
}

/** The operations of the cache; they never fail. */
export interface Store {
  /** Reads the entry of `key`, unless that is undefined, and the generations of `tags`. */
  readonly look: (key: string | undefined, tags: ReadonlyArray<string>) => Effect.Effect<Found>
  /** Reads the entry of `key` from a store in memory, without an effect; undefined for any other store. */
  readonly peek: (key: string) => Entry.Entry | undefined
  /**
   * Reads the entry of `key`. If it is missing and another process is asking for it, waits for that process. If it is
   * still missing, takes the lease: other processes wait until the scope closes.
   */
  readonly claim: (key: string, tags: ReadonlyArray<string>) => Effect.Effect<Found, never, Scope.Scope>
  readonly write: (key: string, reply: Reply, generations: Entry.Generations) => Effect.Effect<void>
  readonly remove: (key: string) => Effect.Effect<void>
}

/** After a time-out, the store is not used for this time, so that not every call waits for it. */
const pause = Duration.toMillis("10 seconds")

/** A failing store is logged at most once in this time. */
const logInterval = Duration.toMillis("1 minute")

/** The other processes wait for a killed process at most this time. */
const leaseTime = Duration.seconds(30)

/** The default `storeId`. */
export const defaultStoreId = "effect-claude"

/** The tag under which the answers of a model can be invalidated. */
export const modelTag = (model: string): string => `model ${model}`

/** The tag under which the answers with a label can be invalidated. */
export const labelTag = (name: string, value: string): string => `label ${JSON.stringify([name, value])}`

/** Starts a new generation of a tag, which invalidates all stored entries with this tag. */
export const renew = Effect.fnUntraced(function* (store: BackingPersistenceStore, tag: string) {
  const generation = `${yield* Clock.currentTimeMillis}-${yield* Random.nextInt}`
  yield* store.set(generationKey(tag), { generation }, undefined)
})

/** A store may use the key as a file name, so a tag that is long or has special characters is hashed. */
const generationKey = (tag: string) => `generation-${/^[\w .-]{1,80}$/.test(tag) ? tag : Sha256.hex(tag)}`

const decodeGeneration = Schema.decodeUnknownEffect(Schema.Struct({ generation: Schema.String }))

const generationOf = (data: object | undefined) =>
  data === undefined ? Effect.succeed("") : Effect.map(decodeGeneration(data), ({ generation }) => generation)

const interrupted = new PersistenceError({ message: "the operation was interrupted" })

/** Fails after `limit` and interrupts the operation, without waiting for its end: it may ignore the interruption. */
const within =
  (limit: Duration.Input) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | PersistenceError | Cause.TimeoutError> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.forkDetach(effect, { startImmediately: true }), (fiber) =>
        restore(Effect.timeout(Fiber.await(fiber), limit)).pipe(
          Effect.onError(() => Effect.sync(() => fiber.interruptUnsafe())),
          Effect.flatMap((exit): Effect.Effect<A, E | PersistenceError> =>
            Exit.hasInterrupts(exit) ? Effect.fail(interrupted) : exit
          )
        )
      )
    )

/** A store whose entries live for `timeToLive`. */
export const make = (options: {
  readonly backing: BackingPersistenceStore
  readonly lease: Lease | undefined
  readonly peek: Peek | undefined
  readonly storeId: string
  readonly timeToLive: Duration.Duration
  /** How long an operation may take. Leave it out for a store that answers at once: the limit costs two fibers. */
  readonly limit: Duration.Input | undefined
}): Store => {
  const { backing, lease, limit, peek, storeId } = options
  const timeToLive = Duration.isFinite(options.timeToLive) ? options.timeToLive : undefined
  let nextLogAt = 0
  let pausedUntil = 0

  const paused = Effect.fail(
    new PersistenceError({ message: "the store took too long a moment ago, so it is not used now" })
  )

  const unlessPaused = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<A, E | PersistenceError> =>
      now < pausedUntil ? paused : effect
    )

  /** Runs an operation. If it fails, reports the failure and returns undefined. */
  const orReport = <A, E>(
    operation: Event.CacheFailed["operation"],
    effect: Effect.Effect<A, E>
  ): Effect.Effect<A | undefined> =>
    effect.pipe(
      limit === undefined ? identity : within(limit),
      // A rejected answer must not stay in the store, so it is removed during a pause too.
      operation === "remove" ? identity : unlessPaused,
      Effect.catchCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.interrupt : report(operation, cause)))
    )

  const report = Effect.fnUntraced(function* (operation: Event.CacheFailed["operation"], cause: Cause.Cause<unknown>) {
    const error = Cause.squash(cause)
    const redact = yield* Redactor
    const detail = redact(error instanceof Error ? error.message : String(error))
    yield* Event.emit(() => ({ _tag: "cache-failed", operation, detail }))
    const now = yield* Clock.currentTimeMillis
    if (Cause.isTimeoutError(error)) pausedUntil = now + pause
    if (now < nextLogAt) return undefined
    nextLogAt = now + logInterval
    yield* Effect.logWarning(`the response cache fails to ${operation}: ${detail}; calls continue without it`)
    return undefined
  })

  /** Reads the data of a key, if given, and the generations of the tags, in one operation. */
  const fetch = Effect.fnUntraced(function* (key: string | undefined, tags: ReadonlyArray<string>) {
    const keys = [...(key === undefined ? [] : [key]), ...tags.map(generationKey)]
    const data = Arr.isArrayNonEmpty(keys) ? yield* backing.getMany(keys) : []
    if (data.length !== keys.length)
      return yield* new PersistenceError({ message: "the store returned fewer values than keys" })
    const found = yield* Effect.forEach(key === undefined ? data : data.slice(1), generationOf)
    const generations: Entry.Generations = Object.fromEntries(Arr.zip(tags, found))
    return { data: key === undefined ? undefined : data[0], generations }
  })

  const look = Effect.fnUntraced(function* (key: string | undefined, tags: ReadonlyArray<string>) {
    // If the tags can be read without the entry, the entry is damaged. It counts as missing and is replaced.
    const { data, generations } = yield* Effect.catch(fetch(key, tags), () => fetch(undefined, tags))
    const entry = key === undefined || data === undefined ? undefined : Entry.decode(key, data)
    if (entry === undefined) return { entry, generations }
    // Another place in the program, with other labels, may have stored the entry.
    const others = Object.keys(entry.generations).filter((tag) => !(tag in generations))
    const current =
      others.length === 0 ? generations : { ...generations, ...(yield* fetch(undefined, others)).generations }
    const isCurrent = Object.entries(entry.generations).every(([tag, generation]) => current[tag] === generation)
    return { entry: isCurrent ? entry : undefined, generations }
  })

  const safeLook: Store["look"] = (key, tags) =>
    Effect.map(orReport("read", look(key, tags)), (found) => found ?? { entry: undefined, generations: undefined })

  const claim = (lease: Lease): Store["claim"] =>
    Effect.fnUntraced(function* (key, tags) {
      const first = yield* safeLook(key, tags)
      if (first.entry !== undefined || first.generations === undefined) return first
      const id = `${storeId}-lease-${key}`
      const holder = `${yield* Random.nextInt}`
      const hold = orReport("claim", lease.hold(id, holder, leaseTime))
      yield* Effect.addFinalizer(() => orReport("claim", lease.release(id, holder)))
      let waitingSince: bigint | undefined
      while (true) {
        const held = yield* hold
        // Another process may have stored the entry since the first lookup.
        const found = { ...(yield* safeLook(key, tags)), waitingSince }
        if (found.entry !== undefined) return found
        if (held !== false) {
          yield* Effect.forkScoped(Effect.forever(Effect.delay(hold, "10 seconds")))
          return found
        }
        waitingSince ??= yield* Clock.monotonicTimeNanos
        yield* Effect.sleep("100 millis")
      }
    })

  const isCurrent = (peek: Peek, generations: Entry.Generations): boolean => {
    for (const tag in generations) {
      const found = peek(generationKey(tag))
      const current = Predicate.hasProperty(found, "generation") ? found.generation : ""
      if (current !== generations[tag]) return false
    }
    return true
  }

  return {
    look: safeLook,
    peek: (key) => {
      const data = peek?.(key)
      const entry = data && Entry.decodeIntact(key, data)
      return peek !== undefined && entry !== undefined && isCurrent(peek, entry.generations) ? entry : undefined
    },
    claim: lease === undefined ? safeLook : claim(lease),
    write: (key, reply, generations) => {
      if (timeToLive !== undefined && Duration.isZero(timeToLive)) return Effect.void
      const write = Effect.suspend(() => backing.set(key, Entry.encode(key, reply, generations), timeToLive))
      return orReport("write", write)
    },
    remove: (key) => orReport("remove", backing.remove(key))
  }
}
