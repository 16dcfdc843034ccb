/**
 * Keeps the calls of this process within its grant: its part of the concurrency of the job, over all workers. Before a
 * grant shrinks, the gate of the job is smaller; after a grant has grown, the gate is larger. So there are never more calls
 * in flight than the grants of all workers allow.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Timer from "../../claude/Timer.ts"
import type { Chunks, JournalFailed } from "../../pipeline/Journal.ts"
import * as Gate from "../Gate.ts"

/** How often the grant follows the wishes of all workers, and a change of the concurrency, in milliseconds. */
const interval = 500

/** How often it looks whether the job wants much more than before, in milliseconds. */
const tick = 50

/** The gate of a process that has no other job. */
export const ofOneJob = Effect.tap(Effect.sync(Gate.make), (gate) =>
  Effect.forkScoped(Effect.forever(Effect.delay(Effect.sync(gate.measure), interval)))
)

/** Follows the grant until the scope closes. Until the first answer, no call is let in. */
export const follow = Effect.fnUntraced(function* (
  grants: Chunks["Service"]["grants"],
  gate: Gate.Gate
): Effect.fn.Return<void, JournalFailed, Scope.Scope> {
  /** As the database has them. */
  let granted: number | undefined
  let wanted = 0
  const wants = () => Math.min(gate.wants(), gate.room())
  gate.change({ grant: 0 })
  const update = Effect.gen(function* () {
    const now = wants()
    const found = yield* grants.look(now)
    if (found === undefined) {
      if (granted !== undefined) granted = yield* grants.take({ wants: now, held: 0 })
      gate.change({ grant: Infinity, grantable: Infinity })
      return
    }
    const { free, part, room } = found
    // Without a grant, it holds only what is in flight already.
    const most = granted === undefined ? gate.inUse() : gate.grant()
    gate.change({ grant: Math.min(part, most), grantable: room })
    const held = Math.max(gate.inUse(), gate.grant())
    if (Math.max(held, Math.min(part, free)) === granted && now === wanted) return
    granted = yield* grants.take({ wants: now, held })
    wanted = now
    gate.change({ grant: Math.min(part, granted ?? 0) })
  })
  yield* update
  const clock = yield* Clock.Clock
  let updatedAt = Timer.now(clock)
  const look = Effect.suspend(() => {
    const now = Timer.now(clock)
    const isUrgent = Number.isFinite(gate.grant()) && wants() > 2 * wanted
    if (now < updatedAt + interval && !isUrgent) return Effect.void
    updatedAt = now
    return Effect.ignore(update)
  })
  // Where the database does not answer, the grant stays, and the leases of the chunks end.
  yield* Effect.forkScoped(Effect.forever(Effect.delay(look, tick)))
})
