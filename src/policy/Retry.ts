/**
 * Repeats calls that failed for a passing reason. Put it outside `Concurrency`, so that nobody holds a permit while
 * waiting. A stream is repeated only while nothing of its content has been handed on.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Event from "../claude/Event.ts"
import { type Claude, wrap } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import * as Opening from "../claude/Opening.ts"

/** When to try again, by what went wrong: `({ input }) => input.reason._tag` is there to ask. */
export type RetrySchedule = Schedule.Schedule<unknown, ClaudeError>

/** What the API asked to wait is the least that is waited; our own delay comes on top, so that not all wake at once. */
const floored = Schedule.modifyDelay(({ duration, input }: Schedule.Metadata<unknown, ClaudeError>) => {
  const floor = input.reason.retryAfter ?? Duration.zero
  return Effect.succeed(Duration.isLessThan(duration, floor) ? Duration.sum(floor, duration) : duration)
})

/**
 * The default: a random wait of up to 0.5 s, 1 s, 2 s … 30 s ("full jitter"), at most 12 repeats (some two
 * minutes), and none that would begin more than 10 minutes after the first failure.
 */
export const schedule: RetrySchedule = Schedule.exponential("500 millis").pipe(
  Schedule.setInputType<ClaudeError>(),
  Schedule.modifyDelay(({ duration }) =>
    Effect.map(Random.next, (random) => Duration.times(Duration.min(duration, Duration.seconds(30)), random))
  ),
  floored,
  Schedule.upTo({ times: 12 }),
  Schedule.while(({ elapsed, duration }) => elapsed + Duration.toMillis(duration) <= Duration.toMillis("10 minutes"))
)

/**
 * Repeats after failures that are retryable by nature and by `x-should-retry`, when the schedule says so, and never
 * before `retry-after`. Every repeat is told as a `call-retried` event.
 */
export const policy = (when: RetrySchedule = schedule) => wrap((next) => Effect.succeed(retrying(next, when)))

const retrying = (next: Claude["Service"], when: RetrySchedule): Claude["Service"] => ({
  create: (request) => repeating(next.create(request), when, request.model),
  stream: (request) => Stream.unwrap(repeating(Opening.open(next.stream(request)), when, request.model)),
  countTokens: (request) => repeating(next.countTokens(request), when, request.model),
  capacity: next.capacity
})

/** What succeeds at once pays for no schedule: it is set up at the first failure. */
const repeating = <A, R>(call: Effect.Effect<A, ClaudeError, R>, when: RetrySchedule, model: string) =>
  Effect.catch(call, (first) => {
    let failed: ClaudeError | undefined = first
    const again = Effect.suspend(() => {
      const error = failed
      failed = undefined
      return error === undefined ? call : Effect.fail(error)
    })
    return Effect.retry(again, guarded(when, model))
  })

const guarded = (when: RetrySchedule, model: string) =>
  when.pipe(
    Schedule.while(({ input }) => input.isRetryable),
    floored,
    Schedule.tap(({ attempt, duration, input }) =>
      Event.emit(() => ({
        _tag: "call-retried",
        model,
        repeat: attempt,
        repeats: undefined,
        delay: duration,
        error: input
      }))
    )
  )
