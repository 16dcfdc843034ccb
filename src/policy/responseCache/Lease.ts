/**
 * Single flight among processes: the process that holds the lease of a key asks, the others wait for the answer it
 * stores. Redis and SQL databases keep leases. A lease that is not renewed, because its process was killed, expires.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"

/** Leases of keys. Fails with the errors of its store. */
export interface Lease {
  /** Takes or renews the lease of a key; false where another holder has it. */
  readonly hold: (key: string, holder: string, time: Duration.Duration) => Effect.Effect<boolean, unknown>
  /** Releases the lease, if this holder has it. */
  readonly release: (key: string, holder: string) => Effect.Effect<unknown, unknown>
}

/** The leases of the store. Without leases, every process asks for itself. */
export const Lease: Context.Reference<Lease | undefined> = Context.Reference("effect-claude/ResponseCache/Lease", {
  defaultValue: (): Lease | undefined => undefined
})
