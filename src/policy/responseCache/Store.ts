/**
 * The store as the cache sees it: it never fails. An error is reported as a `cache-failed` event, logged once a minute,
 * and counts as a miss.
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

/** The result of a look into the store. */
export interface Found {
  readonly entry: Entry.Entry | undefined
  /** The current generations; undefined where they cannot be read, and nothing can be stored. */
  readonly generations: Entry.Generations | undefined
  /** The time, in nanoseconds, at which the wait for another process began. */
  readonly waitingSince?: bigint | undefined
}

/** The operations of the cache; they never fail. */
export interface Store {
  /** Looks for the entry of `key` (for none, where that is undefined), and for the generations of `tags`. */
  readonly look: (key: string | undefined, tags: ReadonlyArray<string>) => Effect.Effect<Found>
  /** The entry of `key` where a store in memory has it: what `look` would find, without an effect. */
  readonly peek: (key: string) => Entry.Entry | undefined
  /**
   * Looks for the entry of `key`; where there is none, waits while another process gets it, and when there is none then
   * either, keeps the others waiting until the scope closes.
   */
  readonly claim: (key: string, tags: ReadonlyArray<string>) => Effect.Effect<Found, never, Scope.Scope>
  readonly write: (key: string, reply: Reply, generations: Entry.Generations) => Effect.Effect<void>
  readonly remove: (key: string) => Effect.Effect<void>
}

/** A store that took too long is not asked for this time, so that not every call waits for it. */
const absence = Duration.toMillis("10 seconds")

/** A broken store is logged at most once in this time. */
const quiet = Duration.toMillis("1 minute")

/** A killed process keeps the others waiting for at most this time. */
const leaseTime = Duration.seconds(30)

/** The default `storeId`. */
export const defaultStoreId = "effect-claude"

/** The tag of a model. */
export const modelTag = (model: string): string => `model ${model}`

/** The tag of a label. */
export const labelTag = (name: string, value: string): string => `label ${JSON.stringify([name, value])}`

/** Begins a new generation for a tag: all stored entries with this tag become invalid. */
export const renew = Effect.fnUntraced(function* (store: BackingPersistenceStore, tag: string) {
  const generation = `${yield* Clock.currentTimeMillis}-${yield* Random.nextInt}`
  yield* store.set(generationKey(tag), { generation }, undefined)
})

/** Tags may be long and have any characters, which the file names of a store may not. */
const generationKey = (tag: string) => `generation-${/^[\w .-]{1,80}$/.test(tag) ? tag : Sha256.hex(tag)}`

const decodeGeneration = Schema.decodeUnknownEffect(Schema.Struct({ generation: Schema.String }))

const generationOf = (data: object | undefined) =>
  data === undefined ? Effect.succeed("") : Effect.map(decodeGeneration(data), ({ generation }) => generation)

const brokenOff = new PersistenceError({ message: "the operation was interrupted" })

/** Interrupts an operation that takes too long, without waiting for its end, which may never come. */
const within =
  (patience: Duration.Input) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | PersistenceError | Cause.TimeoutError> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.forkDetach(effect, { startImmediately: true }), (fiber) =>
        restore(Effect.timeout(Fiber.await(fiber), patience)).pipe(
          Effect.onError(() => Effect.sync(() => fiber.interruptUnsafe())),
          Effect.flatMap((exit): Effect.Effect<A, E | PersistenceError> =>
            Exit.hasInterrupts(exit) ? Effect.fail(brokenOff) : exit
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
  /** How long the store may take; undefined for one that is through at once, since to keep time takes two more fibers. */
  readonly patience: Duration.Input | undefined
}): Store => {
  const { backing, lease, patience, peek, storeId } = options
  const timeToLive = Duration.isFinite(options.timeToLive) ? options.timeToLive : undefined
  let quietUntil = 0
  let absentUntil = 0

  const notNow = Effect.fail(
    new PersistenceError({ message: "the store took too long a moment ago, so it is not asked now" })
  )

  const whilePresent = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<A, E | PersistenceError> =>
      now < absentUntil ? notNow : effect
    )

  const orTell = <A, E>(
    operation: Event.CacheFailed["operation"],
    effect: Effect.Effect<A, E>
  ): Effect.Effect<A | undefined> =>
    effect.pipe(
      patience === undefined ? identity : within(patience),
      // What is of no use must not stay for want of a moment.
      operation === "remove" ? identity : whilePresent,
      Effect.catchCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.interrupt : tell(operation, cause)))
    )

  const tell = Effect.fnUntraced(function* (operation: Event.CacheFailed["operation"], cause: Cause.Cause<unknown>) {
    const error = Cause.squash(cause)
    const redact = yield* Redactor
    const detail = redact(error instanceof Error ? error.message : String(error))
    yield* Event.emit(() => ({ _tag: "cache-failed", operation, detail }))
    const now = yield* Clock.currentTimeMillis
    if (Cause.isTimeoutError(error)) absentUntil = now + absence
    if (now < quietUntil) return undefined
    quietUntil = now + quiet
    yield* Effect.logWarning(`the response cache fails to ${operation}: ${detail}; calls continue without it`)
    return undefined
  })

  /** The data under a key, if any, and the generations of the tags, in one turn. */
  const fetch = Effect.fnUntraced(function* (key: string | undefined, tags: ReadonlyArray<string>) {
    const keys = [...(key === undefined ? [] : [key]), ...tags.map(generationKey)]
    const data = Arr.isArrayNonEmpty(keys) ? yield* backing.getMany(keys) : []
    if (data.length !== keys.length) return yield* new PersistenceError({ message: "the store left keys out" })
    const found = yield* Effect.forEach(key === undefined ? data : data.slice(1), generationOf)
    const generations: Entry.Generations = Object.fromEntries(Arr.zip(tags, found))
    return { data: key === undefined ? undefined : data[0], generations }
  })

  const look = Effect.fnUntraced(function* (key: string | undefined, tags: ReadonlyArray<string>) {
    // Where the tags alone can be read, it is the entry that is broken, and will be replaced.
    const { data, generations } = yield* Effect.catch(fetch(key, tags), () => fetch(undefined, tags))
    const entry = key === undefined || data === undefined ? undefined : Entry.decode(key, data)
    if (entry === undefined) return { entry, generations }
    // It may have been stored from another place in the program, with other labels.
    const others = Object.keys(entry.generations).filter((tag) => !(tag in generations))
    const current =
      others.length === 0 ? generations : { ...generations, ...(yield* fetch(undefined, others)).generations }
    const isCurrent = Object.entries(entry.generations).every(([tag, generation]) => current[tag] === generation)
    return { entry: isCurrent ? entry : undefined, generations }
  })

  const safeLook: Store["look"] = (key, tags) =>
    Effect.map(orTell("read", look(key, tags)), (found) => found ?? { entry: undefined, generations: undefined })

  const claim = (lease: Lease): Store["claim"] =>
    Effect.fnUntraced(function* (key, tags) {
      const first = yield* safeLook(key, tags)
      if (first.entry !== undefined || first.generations === undefined) return first
      const id = `${storeId}-lease-${key}`
      const holder = `${yield* Random.nextInt}`
      const hold = orTell("claim", lease.hold(id, holder, leaseTime))
      yield* Effect.addFinalizer(() => orTell("claim", lease.release(id, holder)))
      let waitingSince: bigint | undefined
      while (true) {
        const held = yield* hold
        // Where there was none before, there may be one by now.
        const found = { ...(yield* safeLook(key, tags)), waitingSince }
        if (found.entry !== undefined) return found
        if (held !== false) {
          yield* Effect.forkScoped(Effect.forever(Effect.delay(hold, "10 seconds")))
          return found
        }
        waitingSince ??= yield* Clock.currentTimeNanos
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
      return orTell("write", write)
    },
    remove: (key) => orTell("remove", backing.remove(key))
  }
}
