/**
 * One call per shared prefix before the others: an entry of the prompt cache can be read only once the answer that
 * writes it has begun, so calls that set out together would all pay for writing it.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import * as Event from "../../claude/Event.ts"
import type { Claude } from "../../claude/Claude.ts"
import * as Models from "../../claude/Models.ts"
import type { Request } from "../../claude/Request.ts"
import { isContent } from "../../claude/StreamEvent.ts"
import { entries, type Entry } from "./Blocks.ts"

/**
 * Holds calls back that would read what another is about to write: until that one has begun to be answered or has
 * ended, or until `patience` is over. Each wait is told as a `call-waited` event.
 */
export const make = (
  next: Claude["Service"],
  patience: Duration.Input
): Pick<Claude["Service"], "create" | "stream"> => {
  const enter = entering(Duration.toMillis(patience))
  return {
    create: (request) =>
      Effect.scoped(Effect.flatMap(enter(request), ({ begun }) => Effect.tap(next.create(request), begun))),
    stream: (request) =>
      Stream.unwrap(
        Effect.map(enter(request), ({ begun }) =>
          Stream.mapArrayEffect(next.stream(request), (events) =>
            events.some(isContent) ? Effect.as(begun, events) : Effect.succeed(events)
          )
        )
      )
  }
}

/** So many entries are remembered; after one that is forgotten, one call more goes first. */
const remembered = 10_000

/** Lets a call in when its turn has come, for as long as its scope; `begun` is to be run when its answer begins. */
const entering = (patience: number) => {
  const warmUntil = new Map<string, number>()
  const writers = new Map<string, Latch.Latch>()

  const writerOf = (wanted: ReadonlyArray<Entry>) =>
    wanted.map(({ key }) => writers.get(key)).find((latch) => latch !== undefined)

  /** Takes what nobody has written or is writing. */
  const claim = (wanted: ReadonlyArray<Entry>, now: number) => {
    const latch = Latch.makeUnsafe()
    const cold = wanted.filter(({ key }) => !writers.has(key) && (warmUntil.get(key) ?? 0) <= now)
    for (const { key } of cold) writers.set(key, latch)
    const leave = Effect.sync(() => {
      for (const { key } of cold) if (writers.get(key) === latch) writers.delete(key)
      latch.openUnsafe()
    })
    const begun = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      for (const entry of wanted) keepWarm(entry, now)
      return leave
    })
    return { begun, leave }
  }

  /** The map is in the order of last use. */
  const keepWarm = ({ key, ttl }: Entry, now: number) => {
    warmUntil.delete(key)
    warmUntil.set(key, now + Models.cacheLifetimes[ttl])
    const [oldest] = warmUntil.keys()
    if (oldest !== undefined && warmUntil.size > remembered) warmUntil.delete(oldest)
  }

  return (request: Request) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const wanted = entries(request)
        const begin = yield* Clock.currentTimeNanos
        let now = yield* Clock.currentTimeMillis
        const deadline = now + patience
        let writer = writerOf(wanted)
        while (writer !== undefined && now < deadline) {
          yield* restore(Effect.timeoutOption(writer.await, deadline - now))
          now = yield* Clock.currentTimeMillis
          writer = writerOf(wanted)
        }
        // Nobody else runs between the look and the claim.
        const { begun, leave } = claim(wanted, now)
        yield* Effect.addFinalizer(() => leave)
        yield* restore(Event.emitWaited(request.model, "warm-up", begin))
        return { begun }
      })
    )
}
