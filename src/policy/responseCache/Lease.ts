/**
 * Single flight among processes: the process that holds the lease of a key sends the request, and the others wait for
 * the stored answer. Redis and SQL databases keep leases. The lease of a killed process is not renewed, so it expires.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"

/** Takes and releases leases. Both operations fail with the errors of the store. */
export interface Lease {
  /** Takes or renews the lease of a key; false if another holder has it. */
  readonly hold: (key: string, holder: string, time: Duration.Duration) => Effect.Effect<boolean, unknown>
  /** Releases the lease, if this holder has it. */
  readonly release: (key: string, holder: string) => Effect.Effect<unknown, unknown>
}

/** The leases of the store. Without leases, each process sends its own request. */
export const Lease: Context.Reference<Lease | undefined> = Context.Reference("effect-claude/ResponseCache/Lease", {
  defaultValue: (): Lease | undefined => undefined
})
