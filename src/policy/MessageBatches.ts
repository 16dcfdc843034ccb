/**
 * Sends calls as Message Batches, which cost half and answer within 24 hours, usually within one. It collects calls until
 * enough have come together or every item of the run waits, so a job of three steps makes about three batches. Put it
 * nearest to the wire, in place of `Concurrency`.
 *
 * Requests of one batch do not read each other's entries of the prompt cache. So where at least ten calls share a prefix
 * that ends at a breakpoint of one hour, one of them goes ahead in a small batch, and the others follow when it has ended,
 * or after two hours. Otherwise each would write the prefix, at twice the price of its tokens.
 *
 * In a job, batches and replies are kept in its state: a process that dies loses none, and the next run continues.
 * Without a job they are kept in memory, and a crash loses the batches that have been paid for.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { AnthropicClient } from "../claude/AnthropicClient.ts"
import { type Claude, wrap } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import * as Replay from "../claude/Replay.ts"
import { ServiceTier } from "../claude/ServiceTier.ts"
import * as Collector from "./messageBatches/Collector.ts"
import type { Running } from "./messageBatches/Lifecycle.ts"

export type { Running } from "./messageBatches/Lifecycle.ts"

/** When a batch is sent, and how often the API is asked for its state. */
export interface Options {
  /** The most requests of one batch: by default 100,000, the limit of the API. */
  readonly requests?: number
  /** The most bytes of one batch: by default 256,000,000, the limit of the API. */
  readonly bytes?: number
  /** The longest time that a call waits for others before its batch is sent: by default 1 minute. */
  readonly delay?: Duration.Input
  /** The shortest time between two looks at a batch: by default 5 seconds. The API names a time in between. */
  readonly shortestPoll?: Duration.Input
  /** The longest time between two looks at a batch: by default 5 minutes. */
  readonly longestPoll?: Duration.Input
  /** The useful number of calls at once: by default 10,000. A job with that many waiting rows takes about 500 MB. */
  readonly capacity?: number
}

/** The batches of a policy. */
export interface MessageBatches {
  readonly options: Options
  /** The batches that have not ended, by their ids. */
  readonly batches: Map<string, Running>
}

/** A handle, to see the batches of a policy and to cancel them. */
export const make = (options: Options = {}): Effect.Effect<MessageBatches> => Effect.sync(() => makeUnsafe(options))

const makeUnsafe = (options: Options): MessageBatches => ({ options, batches: new Map() })

/** The batches that have not ended, the oldest first. */
export const running = (self: MessageBatches): Effect.Effect<ReadonlyArray<Running>> =>
  Effect.sync(() => [...self.batches.values()])

/**
 * Cancels the batches that have not ended, and fails if one of them cannot be canceled. Requests that the API has begun
 * are still answered and billed. The other calls fail with `BatchItemLost`.
 */
export const cancelAll = (self: MessageBatches): Effect.Effect<void, ClaudeError> =>
  Effect.flatMap(
    Effect.suspend(() => Effect.forEach([...self.batches.values()], ({ cancel }) => Effect.result(cancel))),
    (results) => Effect.forEach(results, Effect.fromResult, { discard: true })
  )

/**
 * Answers `create` and `stream` by batches. A stream brings the whole answer at once. Counting tokens is a direct call.
 * Takes options, or a handle of `MessageBatches.make`.
 */
export const policy = (batches: Options | MessageBatches = {}) => {
  const handle = "batches" in batches ? batches : makeUnsafe(batches)
  const { bytes = 256_000_000, capacity = 10_000, requests = 100_000 } = handle.options
  const { delay = "1 minute", longestPoll = "5 minutes", shortestPoll = "5 seconds" } = handle.options
  const batched = wrap((next) =>
    Effect.gen(function* () {
      const client = yield* AnthropicClient
      const ask = yield* Collector.make(client, handle.batches, {
        requests,
        bytes,
        delay: Duration.fromInputUnsafe(delay),
        shortest: Duration.fromInputUnsafe(shortestPoll),
        longest: Duration.fromInputUnsafe(longestPoll)
      })
      return {
        create: ask,
        stream: (request) => Stream.unwrap(Effect.map(ask(request), Replay.toStream)),
        countTokens: next.countTokens,
        capacity: Effect.succeed(capacity)
      }
    })
  )
  return <A, E, R>(self: Layer.Layer<A | Claude, E, R>) =>
    batched(self).pipe(Layer.provideMerge(Layer.succeed(ServiceTier, "batch")))
}
