/**
 * How an emulator behaves; without options it answers at once and never fails.
 */
import type * as Duration from "effect/Duration"
import type { Faults, Script } from "./faults/Faults.ts"
import type { Limits } from "./billing/RateLimits.ts"
import type { Rule } from "./answering/Replies.ts"

export interface Options {
  /** The time an answer in one piece takes; by default as long as its stream would take. */
  readonly latency?: Duration.Input | undefined
  /** The time between the start of a stream and its first token. */
  readonly timeToFirstToken?: Duration.Input | undefined
  readonly tokensPerSecond?: number | undefined
  /** What goes wrong on purpose. */
  readonly faults?: Faults | Script | undefined
  /** Decides which requests meet a fault, where it breaks their answers, and the order of results in a batch. */
  readonly seed?: number | undefined
  /** What it says to some requests, in place of what it would say. */
  readonly replies?: ReadonlyArray<Rule> | undefined
  /** The rate limits of each class of models; by default none. */
  readonly limits?: Limits | undefined
  /** In US dollars a month. Once the ledger's calls have cost so much, further ones are refused. */
  readonly spendLimit?: number | undefined
  /** How long a Message Batch takes, by default a second. One that takes longer than 24 hours expires. */
  readonly batchProcessing?: Duration.Input | undefined
  /** The keys it accepts; by default every key but `invalid`. */
  readonly apiKeys?: ReadonlyArray<string> | undefined
}
