/**
 * Repeats a request about batches until it succeeds. A batch lives for hours, so an outage of minutes is no reason to
 * give it up: after a while the waiting calls fail with the error, and the batch is still followed.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import * as Event from "../../claude/Event.ts"

/** The bounds of the time between two looks at a batch. */
export interface Bounds {
  readonly shortest: Duration.Duration
  readonly longest: Duration.Duration
}

/** Which batch the requests are about, and how long to wait between two of them. */
export interface Repetition extends Bounds {
  /** The API's id, for events. */
  readonly batch: string | undefined
  /** Runs after each failure once failures have lasted too long. */
  readonly onTrouble: (error: ClaudeError) => Effect.Effect<void>
}

/** How long failures may last before the waiting calls fail. The API may not find a new batch at once. */
const patience = (error: ClaudeError): Duration.Duration => {
  if (error.reason._tag === "RateLimited") return Duration.infinity
  if (error.reason._tag === "NotFound") return Duration.minutes(10)
  return error.isRetryable ? Duration.hours(1) : Duration.zero
}

/** The wait after this many consecutive failures: 2 s, 4 s, 8 s …, and at least what the API asks for. */
export const pause = (error: ClaudeError, failures: number, longest: Duration.Duration): Duration.Duration =>
  Duration.max(
    error.reason.retryAfter ?? Duration.zero,
    Duration.min(Duration.seconds(2 ** Math.min(failures, 20)), longest)
  )

/** Reports the failure and waits. */
export const waitAfter = Effect.fnUntraced(function* (error: ClaudeError, failures: number, options: Repetition) {
  const delay = pause(error, failures, options.longest)
  yield* Event.emit(() => ({ _tag: "batch-retried", batch: options.batch, error, delay }))
  yield* Effect.sleep(delay)
})

/** Whether failures that began at `since` have lasted too long. */
export const isOver = (error: ClaudeError, since: number, now: number): boolean =>
  now - since >= Duration.toMillis(patience(error))

/** Repeats a request until it succeeds. */
export const repeat = Effect.fnUntraced(function* <A>(request: Effect.Effect<A, ClaudeError>, options: Repetition) {
  let failures = 0
  let since = 0
  while (true) {
    const result = yield* Effect.result(request)
    if (Result.isSuccess(result)) return result.success
    const error = result.failure
    const now = yield* Clock.currentTimeMillis
    if (failures++ === 0) since = now
    if (isOver(error, since, now)) yield* options.onTrouble(error)
    yield* waitAfter(error, failures, options)
  }
})
