/**
 * Writes shared prefixes to the prompt cache before they are read. Requests of one batch do not read each other's
 * entries, so each would write the prefix, at twice the price of its tokens. Here one call for each prefix goes ahead in a
 * small batch, and the others follow when it has ended and read the prefix at a tenth of that price or less.
 *
 * It pays where the prefix ends at a breakpoint of one hour, because an entry of five minutes does not live until the
 * next batch; where it is long enough for its model; and where at least ten calls share it, because fewer are not worth
 * the wait. Other calls are sent at once.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { LRUCache } from "lru-cache"
import * as Models from "../../claude/Models.ts"
import * as PromptBlocks from "../../claude/PromptBlocks.ts"
import type { Request } from "../../claude/Request.ts"
import * as Timer from "../../claude/Timer.ts"
import type { Call } from "./Call.ts"
import type { Lane } from "./Lanes.ts"

/** At least this many calls share a prefix that is written first. */
const worthwhile = 10

/** Most batches end within an hour. After this time, the others do not wait for the first one any longer. */
const patience = Duration.hours(2)

/** Prefixes that are remembered as warm; an older one is written again. */
const remembered = 10_000

/** A batch that goes ahead of the calls that read what it writes. */
interface Ahead {
  readonly keys: Set<string>
  readonly held: Set<Call>
}

/**
 * `batch` sends calls as one batch, and ends with it. `sendAgain` puts calls back into the queue, and sends it. `fork` runs
 * an effect for a lane in the background.
 */
export const make = (
  batch: (lane: Lane, calls: ReadonlyArray<Call>) => Effect.Effect<void>,
  sendAgain: (calls: Iterable<Call>) => void,
  fork: (lane: Lane, effect: Effect.Effect<void>) => void
) => {
  const keys = new WeakMap<Call, ReadonlyArray<string>>()
  /** For each prefix, the time until which it is warm, in milliseconds. */
  const warmUntil = new LRUCache<string, number>({ max: remembered })
  /** For each prefix that is being written, the batch that writes it. */
  const writers = new Map<string, Ahead>()
  const holders = new WeakMap<Call, Ahead>()

  const keysOf = (call: Call): ReadonlyArray<string> => {
    const known = keys.get(call) ?? (call.request === undefined ? [] : keysIn(call.request))
    keys.set(call, known)
    return known
  }

  const warm = (lane: Lane, keys: Iterable<string>) => {
    const until = timeOf(lane) + Models.cacheLifetimes["1h"]
    for (const key of keys) warmUntil.set(key, until)
  }

  /** Sends calls. When their batch has ended, they have used their prefixes once more. */
  const follow = (lane: Lane, calls: ReadonlyArray<Call>) =>
    Effect.map(Effect.exit(batch(lane, calls)), () =>
      warm(
        lane,
        calls.flatMap(keysOf).filter((key) => warmUntil.has(key))
      )
    )

  /** Sends a batch ahead of the others. Whatever becomes of it, nothing waits for the same prefix again. */
  const lead = (lane: Lane, calls: ReadonlyArray<Call>, { held, keys }: Ahead) => {
    const ended = Latch.makeUnsafe(false)
    const release = Effect.sync(() => {
      for (const key of keys) writers.delete(key)
      warm(lane, keys)
      sendAgain(held)
    })
    fork(lane, Effect.andThen(follow(lane, calls), ended.open))
    fork(lane, Effect.andThen(Effect.timeoutOption(ended.await, patience), release))
  }

  return {
    /** Sends calls that were queued, some of them later. */
    send: (lane: Lane, calls: ReadonlyArray<Call>): void => {
      const now = timeOf(lane)
      const isCold = (key: string) => (warmUntil.get(key) ?? 0) <= now
      const wanted = calls.map((call) => [call, keysOf(call).filter(isCold)] as const)
      const sharing = new Map<string, number>()
      for (const key of wanted.flatMap(([, keys]) => keys)) sharing.set(key, (sharing.get(key) ?? 0) + 1)
      const ahead: Ahead = { keys: new Set(), held: new Set() }
      const first: Array<Call> = []
      const rest: Array<Call> = []
      for (const [call, keys] of wanted) {
        const writer = keys.map((key) => writers.get(key)).find((found) => found !== undefined)
        const shared = keys.filter((key) => !writers.has(key) && (sharing.get(key) ?? 0) >= worthwhile)
        if (shared.length > 0 && (writer ?? ahead) === ahead) {
          for (const key of shared) {
            writers.set(key, ahead)
            ahead.keys.add(key)
          }
          first.push(call)
        } else if (writer === undefined) rest.push(call)
        else {
          writer.held.add(call)
          holders.set(call, writer)
        }
      }
      if (rest.length > 0) fork(lane, follow(lane, rest))
      if (first.length > 0) lead(lane, first, ahead)
    },
    /** Forgets a call that waits for its prefix. */
    remove: (call: Call): void => void holders.get(call)?.held.delete(call)
  }
}

const timeOf = ({ context }: Lane): number => Timer.now(Context.get(context, Clock.Clock))

/** The prefixes of a request whose entries live for an hour. */
const keysIn = (request: Request): ReadonlyArray<string> =>
  PromptBlocks.entries(request).flatMap(({ key, ttl }) => (ttl === "1h" ? [key] : []))
