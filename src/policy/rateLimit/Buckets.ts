/**
 * The limits of each group of models: a bucket of requests, one of input tokens and one of output tokens, which refill
 * continuously, and a gate that a refusal closes. A call reserves from all three buckets or from none. `LocalBuckets`
 * keeps them in this process; an implementation that several processes share keeps them in a server.
 */
import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import type { RateLimits } from "../../claude/RateLimits.ts"

/** What one call takes from each bucket, or the limits of one minute. */
export interface Amounts {
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: number
}

/** The name of a bucket. */
export type Kind = keyof Amounts

/** Every bucket. */
export const kinds = ["requests", "inputTokens", "outputTokens"] as const satisfies ReadonlyArray<Kind>

/** Limits of one minute. A bucket without a limit is unknown, and lets every call in. */
export type Limits = { readonly [kind in Kind]?: number | undefined }

/** What a call waits for: the bucket with the longest wait; the closed gate; or answers, while the limits are unknown. */
export type Binds = Kind | "pause" | "ramp"

/** Nothing was reserved. Ask again after `milliseconds`, or when a reservation has been settled. */
export interface Wait {
  readonly _tag: "Wait"
  readonly milliseconds: number
  readonly binds: Binds
}

/** What a call has taken. It is settled exactly once, by `settle` or by `refused`. */
export interface Reservation {
  readonly _tag: "Reservation"
  /**
   * Takes what an answer says of the limits. `limit` replaces the limit of a bucket, unless an explicit one is lower.
   * `remaining` corrects its level: calls in flight may or may not be in it yet.
   */
  readonly learn: (limits: RateLimits) => Effect.Effect<void>
  /** Gives back what was reserved, and takes what was used. */
  readonly settle: (used: Amounts) => Effect.Effect<void>
  /**
   * The API refused the call for its rate. Gives back what was reserved, and closes the gate of the group for this time;
   * it counts from the moment when the gate was closed, if the call was in flight then, and never opens the gate earlier.
   */
  readonly refused: (milliseconds: number) => Effect.Effect<void>
}

/**
 * The buckets of all groups. No operation fails or waits for a limit. Amounts above a limit pass when the bucket is full.
 */
export interface Buckets {
  readonly reserve: (group: string, amounts: Amounts) => Effect.Effect<Reservation | Wait>
  /**
   * The same in one step, if the buckets are in this process, so that a call that does not wait costs little. `now` is
   * `Timer.now(clock)`.
   */
  readonly reserveNow?: (group: string, amounts: Amounts, now: number, clock: Clock.Clock) => Reservation | Wait
}
