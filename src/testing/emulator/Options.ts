/**
 * How an emulator behaves; without options it answers at once and never fails.
 */
import type * as Duration from "effect/Duration"
import type { Faults, Script } from "./faults/Faults.ts"
import type { Limits } from "./billing/RateLimits.ts"
import type { Rule } from "./answering/Replies.ts"

export interface Options {
  /** The time until a non-streaming answer; by default, as long as its stream would take. */
  readonly latency?: Duration.Input | undefined
  /** The time between the start of a stream and its first token. */
  readonly timeToFirstToken?: Duration.Input | undefined
  readonly tokensPerSecond?: number | undefined
  /** The faults to inject. */
  readonly faults?: Faults | Script | undefined
  /** Decides which requests meet a fault, where it breaks their answers, and the order of the results of a batch. */
  readonly seed?: number | undefined
  /** Replies from code to some requests. */
  readonly replies?: ReadonlyArray<Rule> | undefined
  /** The rate limits of each group of models; by default, limits that no run reaches. */
  readonly limits?: Limits | undefined
  /** In US dollars a month. Once the calls in the ledger have cost this much, further calls are refused. */
  readonly spendLimit?: number | undefined
  /** How long a Message Batch takes; by default, one second. A batch expires after 24 hours. */
  readonly batchProcessing?: Duration.Input | undefined
  /** The accepted API keys; by default, every key except `invalid`. */
  readonly apiKeys?: ReadonlyArray<string> | undefined
}
