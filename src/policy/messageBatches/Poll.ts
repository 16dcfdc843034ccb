/**
 * Waits until a batch has ended. It looks as often as the API's `retry-after` says, within bounds.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Event from "../../claude/Event.ts"
import type { ApiBatch, BatchesApi } from "./BatchesApi.ts"
import { repeat, type Repetition } from "./Repeat.ts"

/** Returns the batch when it has ended. Once `soon` is open, the end is near, and it looks as often as it may. */
export const untilEnded = Effect.fnUntraced(function* (
  api: BatchesApi,
  id: string,
  options: Repetition,
  soon: Latch.Latch = Latch.makeUnsafe(false)
): Effect.fn.Return<ApiBatch> {
  const begun = yield* Clock.currentTimeMillis
  while (true) {
    const batch = yield* repeat(api.retrieve(id), options)
    if (batch.state === "ended") return batch
    yield* Event.emit(() => ({ _tag: "batch-polled", batch: id, requests: batch.total, state: batch.state }))
    const age = (yield* Clock.currentTimeMillis) - begun
    const wait = Duration.clamp(batch.retryAfter ?? Duration.millis(age / 10), {
      minimum: options.shortest,
      maximum: options.longest
    })
    yield* Effect.sleep(options.shortest)
    yield* Effect.timeoutOption(soon.await, Duration.subtract(wait, options.shortest))
  }
})
