/**
 * Knows whether a call is held back in this process: it waits for a permit, for a rate limit, or for its batch to be
 * sent. A call that ends there has cost nothing. `Budget` provides a hold for each call, and the policies below mark it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** The hold of one call. */
export interface Hold {
  isHeld: boolean
}

/** The hold of the call that the running fiber makes. */
export const Hold: Context.Reference<Hold | undefined> = Context.Reference("effect-claude/Hold", {
  defaultValue: (): Hold | undefined => undefined
})

/** Holds the call back until the effect has succeeded. */
export const until = <A, E, R>(wait: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const hold = fiber.getRef(Hold)
    if (hold === undefined) return wait
    hold.isHeld = true
    return Effect.tap(wait, () => Effect.sync(() => void (hold.isHeld = false)))
  })
