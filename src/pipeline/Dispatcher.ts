/**
 * Hands out the chunks of a job to the processes that work on it. A process holds a chunk for a limited time by its own
 * monotonic clock, which it renews while it runs. After that time another process may have the chunk, so the process sends
 * no more calls for it. A queue decides who gets a chunk; `make` adds the deadlines to it.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Event from "../claude/Event.ts"
import * as Timer from "../claude/Timer.ts"
import type { Chunk } from "./Journal.ts"

/** A chunk that this process holds. */
export interface Lease extends Chunk {
  /** Whether this process may send calls for the chunk. Once false, it stays false. */
  readonly isHeld: () => boolean
}

/** The queue cannot be read or written. */
export class DispatcherFailed extends Schema.TaggedError<DispatcherFailed>()("DispatcherFailed", {
  /** What happened, and what to do. */
  detail: Schema.String
}) {
  override get message() {
    return `the queue of chunks failed: ${this.detail}`
  }
}

/** A queue of chunks that lives outside of the processes. `Entry` is what it needs to find a chunk that it gave out. */
export interface Queue<Entry> {
  /** Adds chunks. A chunk that the queue has had in this generation is left out. */
  readonly send: (chunks: ReadonlyArray<Chunk>) => Effect.Effect<void, DispatcherFailed>
  /** Gives out at most `count` chunks, or none if none waits. */
  readonly fetch: (
    count: number
  ) => Effect.Effect<ReadonlyArray<readonly [chunk: Chunk, entry: Entry]>, DispatcherFailed>
  /** Renews entries, and returns those that this process still holds. */
  readonly touch: (entries: ReadonlyArray<Entry>) => Effect.Effect<ReadonlyArray<Entry>, DispatcherFailed>
  /** Removes a chunk. It has no effect if another process holds the chunk by now. */
  readonly complete: (entry: Entry) => Effect.Effect<void, DispatcherFailed>
  /** Makes a chunk wait again at once. It has no effect if another process holds the chunk by now. */
  readonly giveBack: (entry: Entry) => Effect.Effect<void, DispatcherFailed>
  /** How long an entry is safe from other processes after a fetch or a touch began, in milliseconds. */
  readonly lease: number
  /**
   * For a queue whose server may lose chunks: runs `sendAll` if it may have lost some, in one process at a time. Until that
   * succeeds, the queue gives out no chunk that it may have given out before the loss.
   */
  readonly repair?: <E, R>(sendAll: Effect.Effect<void, E, R>) => Effect.Effect<void, E | DispatcherFailed, R>
}

/** The chunks of one job. */
export class Dispatcher extends Context.Service<
  Dispatcher,
  {
    /** Adds chunks that wait for a process. A chunk that was added in this generation is left out. */
    readonly submit: (chunks: ReadonlyArray<Chunk>) => Effect.Effect<void, DispatcherFailed>
    /** Takes at most `count` chunks, or none if none waits. They are renewed until they end or the scope closes. */
    readonly take: (count: number) => Effect.Effect<ReadonlyArray<Lease>, DispatcherFailed>
    /** Ends a lease whose rows are done. */
    readonly complete: (lease: Lease) => Effect.Effect<void, DispatcherFailed>
    /** Ends a lease whose rows are not done, so that another process can take the chunk at once. */
    readonly giveBack: (lease: Lease) => Effect.Effect<void, DispatcherFailed>
    /** Runs an effect that sends all chunks that are not done, if the queue may have lost some. */
    readonly repair: <E, R>(sendAll: Effect.Effect<void, E, R>) => Effect.Effect<void, E | DispatcherFailed, R>
    /** How long another process may still work on a chunk that the queue has lost, in milliseconds. */
    readonly lease: number
    /** Calls `listener` once for each lease that is lost: its time is over, or another process has the chunk. */
    readonly onLost: (listener: (lease: Lease) => void) => Effect.Effect<void>
  }
>()("effect-claude/Dispatcher") {}

/** How often the deadlines are checked. */
const tick = "500 millis"

/** Adds deadlines to a queue. They are renewed as long as the scope is open. */
export const make = Effect.fnUntraced(function* <Entry>(
  queue: Queue<Entry>
): Effect.fn.Return<Dispatcher["Service"], never, Scope.Scope> {
  const clock = yield* Clock.Clock
  /** Renews leases this often, in milliseconds. */
  const interval = queue.lease / 3
  const held = new Map<Lease, { readonly entry: Entry; deadline: number }>()
  const listeners = new Set<(lease: Lease) => void>()
  let touchedAt = Timer.now(clock)

  const isHeld = (lease: Lease) => (held.get(lease)?.deadline ?? -Infinity) > Timer.now(clock)
  const lose = (leases: ReadonlyArray<Lease>) =>
    Effect.forEach(
      leases,
      (lease) => {
        if (!held.delete(lease)) return Effect.void
        for (const listener of listeners) listener(lease)
        return Event.emit(() => ({ _tag: "chunk-ended", outcome: "lost" }))
      },
      { discard: true }
    )
  const touch = Effect.suspend(() => {
    const renewed = new Map([...held].map(([lease, { entry }]) => [entry, lease] as const))
    touchedAt = Timer.now(clock)
    if (renewed.size === 0) return Effect.void
    // The queue counts from a later moment, so the deadline is before its own.
    const deadline = touchedAt + queue.lease
    return Effect.flatMap(queue.touch([...renewed.keys()]), (entries) => {
      for (const entry of entries) {
        const lease = renewed.get(entry)
        const state = lease && held.get(lease)
        // A late answer renews no lease whose time is over.
        if (state !== undefined && lease?.isHeld() === true) state.deadline = deadline
        renewed.delete(entry)
      }
      return lose([...renewed.values()])
    })
  })
  /** Where the queue cannot be reached, the deadlines pass. */
  const loseExpired = Effect.suspend(() => lose([...held.keys()].filter((lease) => !isHeld(lease))))
  const renew = Effect.suspend(() => (Timer.now(clock) - touchedAt < interval ? Effect.void : Effect.ignore(touch)))
  // A renewal may hang.
  for (const regularly of [loseExpired, renew]) {
    yield* Effect.forkScoped(Effect.forever(Effect.delay(regularly, tick)))
  }

  const end = (
    lease: Lease,
    outcome: Event.ChunkEnded["outcome"],
    settle: (entry: Entry) => Effect.Effect<void, DispatcherFailed>
  ) =>
    Effect.suspend(() => {
      const state = held.get(lease)
      held.delete(lease)
      if (state === undefined) return Effect.void
      return Effect.tap(
        settle(state.entry),
        Event.emit(() => ({ _tag: "chunk-ended", outcome }))
      )
    })
  return {
    submit: queue.send,
    repair: queue.repair ?? (() => Effect.void),
    lease: queue.lease,
    take: (count) =>
      Effect.suspend(() => {
        const deadline = Timer.now(clock) + queue.lease
        return Effect.flatMap(
          queue.fetch(count),
          Effect.forEach(([{ first, generation }, entry]) => {
            const lease: Lease = { first, generation, isHeld: () => isHeld(lease) }
            held.set(lease, { entry, deadline })
            return Effect.as(
              Event.emit(() => ({ _tag: "chunk-taken" })),
              lease
            )
          })
        )
      }),
    complete: (lease) => end(lease, "completed", queue.complete),
    giveBack: (lease) => end(lease, "given-back", queue.giveBack),
    onLost: (listener) => Effect.sync(() => void listeners.add(listener))
  }
})
