/**
 * Repeats calls that failed for a transient reason. Put it outside `Concurrency`, so that a call holds no permit while
 * it waits. A stream is repeated only until its first content has been passed on. Each repeat is a `call-retried`
 * event, which `Logging` writes as one line.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Event from "../claude/Event.ts"
import { type Claude, wrap } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import * as Opening from "../claude/Opening.ts"
import type { Request } from "../claude/Request.ts"
import { isUnreachable } from "../claude/Unreachable.ts"

/** When to call again, decided by the error: `Schedule.while(({ input }) => input.reason._tag === "Overloaded")`. */
export type RetrySchedule = Schedule.Schedule<unknown, ClaudeError>

/** Waits at least `retry-after`, plus the delay of the schedule, so that waiting calls do not all start at once. */
const floored = Schedule.modifyDelay(({ duration, input }: Schedule.Metadata<unknown, ClaudeError>) => {
  const floor = input.reason.retryAfter ?? Duration.zero
  return Effect.succeed(Duration.isLessThan(duration, floor) ? Duration.sum(floor, duration) : duration)
})

const repeatsWhenUnreachable = 4
const repeatsOtherwise = 12

/** Some schemas always get a 500, each after minutes (anthropic-sdk-typescript, issue 885). */
const repeatsOfSchema = 2

const repeatsAfter = (error: ClaudeError, request: Request): number =>
  isUnreachable(error) ? repeatsWhenUnreachable : isOfSchema(error, request) ? repeatsOfSchema : repeatsOtherwise

/** Whether the schema of the request may be what the API fails on. */
const isOfSchema = ({ reason }: ClaudeError, { output_config, tools = [] }: Request): boolean =>
  reason._tag === "ServerFailed" &&
  reason.status === 500 &&
  (Predicate.isNotNullish(output_config?.format) || tools.some((tool) => "strict" in tool && tool.strict === true))

/** Ends after `repeatsWhenUnreachable` consecutive repeats that could not reach the host. */
const whileReachable: RetrySchedule = Schedule.fromStep(
  Effect.sync(() => {
    let failures = 0
    return (_, error: ClaudeError) => {
      failures = isUnreachable(error) ? failures + 1 : 0
      return failures > repeatsWhenUnreachable
        ? Cause.done(Duration.zero)
        : Effect.succeed([Duration.zero, Duration.zero] as [Duration.Duration, Duration.Duration])
    }
  })
)

/**
 * The default: a random wait of up to 0.5 s, 1 s, 2 s … 30 s ("full jitter"), and at most 12 repeats (about two
 * minutes). No repeat begins more than 10 minutes after the first failure. A host that cannot be reached (no address
 * for its name, connection refused, no route) is given up after 4 consecutive repeats, which take at most 7.5 s. A status
 * 500 for a request with a schema is repeated twice.
 */
export const schedule: RetrySchedule = Schedule.max([
  Schedule.exponential("500 millis").pipe(
    Schedule.setInputType<ClaudeError>(),
    Schedule.modifyDelay(({ duration }) =>
      Effect.map(Random.next, (random) => Duration.times(Duration.min(duration, Duration.seconds(30)), random))
    )
  ),
  whileReachable
]).pipe(
  floored,
  Schedule.upTo({ times: repeatsOtherwise }),
  Schedule.while(({ elapsed, duration }) => elapsed + Duration.toMillis(duration) <= Duration.toMillis("10 minutes"))
)

/**
 * Repeats a call after a retryable error, as often as the schedule allows and never before `retry-after`. The reason of
 * the error and `x-should-retry` decide whether an error is retryable.
 */
export const policy = (when: RetrySchedule = schedule) => wrap((next) => Effect.succeed(retrying(next, when)))

const retrying = (next: Claude["Service"], when: RetrySchedule): Claude["Service"] => ({
  create: (request) => repeating(next.create(request), when, request),
  stream: (request) => Stream.unwrap(repeating(Opening.open(next.stream(request)), when, request)),
  countTokens: (request) => repeating(next.countTokens(request), when, request),
  capacity: next.capacity
})

/** Starts the schedule at the first failure, so that a call without a failure does not pay for it. */
const repeating = <A, R>(call: Effect.Effect<A, ClaudeError, R>, when: RetrySchedule, request: Request) =>
  Effect.catch(call, (first) => {
    let failed: ClaudeError | undefined = first
    const again = Effect.suspend(() => {
      const error = failed
      failed = undefined
      return error === undefined ? call : Effect.fail(error)
    })
    return Effect.retry(again, guarded(when, request))
  })

const guarded = (when: RetrySchedule, request: Request) =>
  when.pipe(
    Schedule.while(({ input }) => input.isRetryable),
    Schedule.while(
      ({ attempt, input }) => when !== schedule || !isOfSchema(input, request) || attempt <= repeatsOfSchema
    ),
    floored,
    Schedule.tap(({ attempt, duration, input }) =>
      Event.emit(() => ({
        _tag: "call-retried",
        model: request.model,
        repeat: attempt,
        repeats: when === schedule ? repeatsAfter(input, request) : undefined,
        delay: duration,
        error: input
      }))
    )
  )
