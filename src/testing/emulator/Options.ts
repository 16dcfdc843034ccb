/**
 * How an emulator behaves; without options it answers at once and never fails.
 */
import type * as Duration from "effect/Duration"
import type { Faults } from "./Faults.ts"

export interface Options {
  /** The time an answer in one piece takes; by default as long as its stream would take. */
  readonly latency?: Duration.Input | undefined
  /** The time between the start of a stream and its first token. */
  readonly timeToFirstToken?: Duration.Input | undefined
  readonly tokensPerSecond?: number | undefined
  /** Errors on purpose, in place of answers of `POST /v1/messages`. */
  readonly faults?: Faults | undefined
  /** Decides which requests meet a fault. */
  readonly seed?: number | undefined
  /** The keys it accepts; by default every key but `invalid`. */
  readonly apiKeys?: ReadonlyArray<string> | undefined
}
