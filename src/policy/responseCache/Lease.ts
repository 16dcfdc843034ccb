/**
 * Single flight among processes: whoever holds the lease of a key asks, the others wait for what it stores. Redis and
 * SQL databases can keep leases; a lease that is not renewed, since its process was killed, runs out.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"

/** Who may ask for what. Fails in the ways of its store. */
export interface Lease {
  /** Takes or prolongs the lease of a key; false where another has it. */
  readonly hold: (key: string, holder: string, time: Duration.Duration) => Effect.Effect<boolean, unknown>
  /** Gives it back, where one has it. */
  readonly release: (key: string, holder: string) => Effect.Effect<unknown, unknown>
}

/** The leases that come with the store; by default every process asks for itself. */
export const Lease: Context.Reference<Lease | undefined> = Context.Reference("effect-claude/ResponseCache/Lease", {
  defaultValue: (): Lease | undefined => undefined
})
