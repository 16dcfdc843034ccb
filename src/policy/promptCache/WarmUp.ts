/**
 * Sends one call for each shared prefix before the others. An entry of the prompt cache can be read once the answer
 * that writes it has begun, so calls that start together would all pay for writing it.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import { LRUCache } from "lru-cache"
import { admitting } from "../../claude/Admission.ts"
import type { Claude } from "../../claude/Claude.ts"
import * as Event from "../../claude/Event.ts"
import * as Models from "../../claude/Models.ts"
import type { Request } from "../../claude/Request.ts"
import { entries, type Entry } from "../../claude/PromptBlocks.ts"
import * as Timer from "../../claude/Timer.ts"

/**
 * Delays calls that would read an entry while another call is writing it. They wait until the answer of that call has
 * begun or the call has ended, but not longer than `patience`. Each wait is reported as a `call-waited` event. It
 * remembers the last `remembered` entries as warm; after an older one, one more call goes first.
 */
export const make = (next: Claude["Service"], patience: Duration.Input, remembered = 10_000): Claude["Service"] => {
  const enter = entering(Duration.toMillis(patience), remembered)
  return admitting(next, (request) =>
    Effect.map(enter(request), ({ begun }) => ({
      request,
      opened: () => begun,
      settle: ({ exit }) => (Exit.isSuccess(exit) ? begun : Effect.void)
    }))
  )
}

const time = Effect.clockWith((clock) => Effect.sync(() => Timer.now(clock)))

/**
 * Waits until the call may be sent. Returns the effect to run when its answer begins. The claim ends with the scope.
 */
const entering = (patience: number, remembered: number) => {
  /** For each entry, the time until which it is warm, in milliseconds. */
  const warmUntil = new LRUCache<string, number>({ max: remembered })
  const writers = new Map<string, Latch.Latch>()

  const writerOf = (wanted: ReadonlyArray<Entry>) =>
    wanted.map(({ key }) => writers.get(key)).find((latch) => latch !== undefined)

  /** Claims the cold entries that no other call is writing. */
  const claim = (wanted: ReadonlyArray<Entry>, now: number) => {
    const latch = Latch.makeUnsafe()
    const cold = wanted.filter(({ key }) => !writers.has(key) && (warmUntil.get(key) ?? 0) <= now)
    for (const { key } of cold) writers.set(key, latch)
    const leave = Effect.sync(() => {
      for (const { key } of cold) if (writers.get(key) === latch) writers.delete(key)
      latch.openUnsafe()
    })
    const begun = Effect.flatMap(time, (now) => {
      for (const { key, ttl } of wanted) warmUntil.set(key, now + Models.cacheLifetimes[ttl])
      return leave
    })
    return { begun, leave }
  }

  return (request: Request) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const wanted = entries(request)
        const begin = yield* Clock.monotonicTimeNanos
        let now = yield* time
        const deadline = now + patience
        let writer = writerOf(wanted)
        while (writer !== undefined && now < deadline) {
          yield* restore(Effect.timeoutOption(writer.await, deadline - now))
          now = yield* time
          writer = writerOf(wanted)
        }
        // No other fiber runs between the lookup and the claim.
        const { begun, leave } = claim(wanted, now)
        yield* Effect.addFinalizer(() => leave)
        yield* restore(Event.emitWaited(request.model, "warm-up", begin))
        return { begun }
      })
    )
}
