/**
 * The calls of one group of models that shares its limits: lets them in one after the other, and learns from how they
 * end.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Admission, errorOf, type Outcome } from "../../claude/Admission.ts"
import { CallSite } from "../../claude/CallSite.ts"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import * as Event from "../../claude/Event.ts"
import type { RateLimits } from "../../claude/RateLimits.ts"
import * as Timer from "../../claude/Timer.ts"
import type { Request } from "../../claude/Request.ts"
import {
  type Amounts,
  type Binds,
  type Buckets,
  type Kind,
  kinds,
  type Limits,
  type Reservation,
  type Wait
} from "./Buckets.ts"
import type { Estimate, Expected } from "./Estimate.ts"
import * as Line from "./Line.ts"
import * as Ramp from "./Ramp.ts"
import * as Settlement from "./Settlement.ts"
import * as Tickets from "./Tickets.ts"
import * as Utilisation from "./Utilisation.ts"

/** A call on its way through the limits; it may be sent several times. */
export interface Caller {
  /** Its place in the line. */
  readonly ticket: number
  refusals: number
  /** Whether waiting and sending again will not help. */
  isHopeless: boolean
}

/** The calls of a group. */
export interface Group {
  /** A call of a job that is about to be admitted. */
  readonly call: (job: string | undefined) => Caller
  /** Waits until the limits have room for the call. */
  readonly admit: (request: Request, caller: Caller) => Effect.Effect<Admission>
  readonly utilisation: (now: number) => ReadonlyArray<Utilisation.Utilisation>
}

/** A group that has been refused for this long, without a single answer, does not recover by waiting. */
const patience = Duration.toMillis("10 minutes")

/** A prompt that alone exceeds a limit is refused every time. */
const mostRefusalsOfLarge = 3

/** The share of the limit from which on input is scarce. */
const scarce = 0.1

/** The code of a refusal because calls have become more too fast. */
const accelerated = "ramp_limit_exceeded"

/** How often a change of what binds is reported, in milliseconds. */
const reportEvery = 1000

/** A group without calls. */
export const make = (name: string, buckets: Buckets, explicit: Limits, estimate: Estimate): Group => {
  const line = Line.make()
  const tickets = Tickets.make()
  const wake = Effect.sync(line.wake)
  const ramp = Ramp.make()
  const uses = Utilisation.make()
  let limits: Limits = explicit
  let binds: Binds | undefined
  let reported: Binds | undefined
  let reportedAt = -Infinity
  /** How often the gate was closed without an answer in between, since when, and the last time. */
  let refusals = 0
  let refusedSince = Infinity
  let refusedAt = -Infinity
  let wasInputScarce = false
  let checkedAt = -Infinity

  /** Reports what binds now, unless the last report is recent and says the same. */
  const report = (now: number, found: Binds | undefined): Effect.Effect<void> | undefined => {
    const isUrgent = found !== undefined && reported === undefined
    binds = found
    if (!isUrgent && now < reportedAt + reportEvery) return undefined
    reported = found
    reportedAt = now
    const bucket = kinds.find((kind) => kind === found)
    const limit = bucket && limits[bucket]
    return Event.emit(() => ({ _tag: "limit-binds", group: name, binds: found, limit }))
  }

  const learnLimits = (headers: RateLimits) => {
    if (kinds.every((kind) => limitOf(headers, kind) === limits[kind])) return
    const known: { -readonly [kind in keyof Limits]: Limits[kind] } = { ...limits }
    for (const kind of kinds) known[kind] = limitOf(headers, kind)
    limits = known
  }

  /** The lower one of the limits that the API reports and that the user sets. */
  const limitOf = (headers: RateLimits, kind: Kind): number | undefined => {
    const limit = headers[kind]?.limit
    return limit === undefined ? limits[kind] : Math.min(limit, explicit[kind] ?? Infinity)
  }

  /** Sums up the last minute once a second: records it as a metric, and finds out whether input is scarce. */
  const isInputScarce = (now: number, context: Context.Context<never>): boolean => {
    if (now < checkedAt + 1000) return wasInputScarce
    checkedAt = now
    const used = uses.lastMinute(now)
    Utilisation.record(Utilisation.of(name, used, limits, binds), context)
    wasInputScarce = used.inputTokens > scarce * (limits.inputTokens ?? Infinity)
    return wasInputScarce
  }

  /** How long a refusal closes the gate, in milliseconds. */
  const pauseOf = ({ reason }: ClaudeError): number => {
    const backoff = refusals > 1 || reason.retryAfter === undefined ? Math.min(60_000, 500 * 2 ** refusals) : 0
    return Math.max(backoff, reason.retryAfter === undefined ? 0 : Duration.toMillis(reason.retryAfter))
  }

  const admitted = ({
    amounts: expected,
    caller,
    clock,
    observe,
    request,
    reservation,
    sentAt,
    started
  }: LetIn): Admission => {
    let isAnswered = false
    const answered = (headers: RateLimits | undefined): Effect.Effect<void> => {
      if (isAnswered) return Effect.void
      isAnswered = true
      refusals = 0
      refusedSince = Infinity
      started.answered(headers !== undefined)
      return learn(headers)
    }
    const learn = (headers: RateLimits | undefined): Effect.Effect<void> => {
      if (headers === undefined) return Effect.void
      learnLimits(headers)
      return reservation.learn(headers)
    }
    const refused = (error: ClaudeError): Effect.Effect<void> => {
      const now = Timer.now(clock)
      if (sentAt >= refusedAt) {
        refusals += 1
        refusedAt = now
        ramp.refused(now)
        if (error.reason.code === accelerated) ramp.accelerated(now, pauseOf(error))
      }
      refusedSince = Math.min(refusedSince, now)
      caller.refusals += 1
      const isLarge = expected.inputTokens > (limits.inputTokens ?? Infinity)
      caller.isHopeless = now > refusedSince + patience || (isLarge && caller.refusals >= mostRefusalsOfLarge)
      return Effect.andThen(learn(error.reason.rateLimits), reservation.refused(pauseOf(error)))
    }
    const used = (outcome: Outcome): Effect.Effect<void> => {
      const amounts = Settlement.of(outcome, expected)
      if (outcome.message !== undefined && Exit.isSuccess(outcome.exit)) observe(amounts)
      uses.add(Timer.now(clock), amounts)
      return reservation.settle(amounts)
    }
    const settled = (outcome: Outcome): Effect.Effect<void> => {
      const error = errorOf(outcome)
      if (error?.reason._tag === "RateLimited") return refused(error)
      const learning =
        outcome.facts === undefined ? learn(error?.reason.rateLimits) : answered(outcome.facts.rateLimits)
      return Effect.andThen(learning, used(outcome))
    }
    return {
      request,
      opened: (facts) => Effect.andThen(answered(facts?.rateLimits), wake),
      settle: (outcome) =>
        Effect.suspend(() => {
          started.ended()
          // The last call that waited has been let in, and no later one may come to report that.
          const isOver = reported !== undefined && line.isEmpty()
          const reporting = (isOver && report(Timer.now(clock), undefined)) || Effect.void
          return Effect.andThen(Effect.andThen(settled(outcome), wake), reporting)
        })
    }
  }

  return {
    call: (job) => ({ ticket: tickets.next(job), refusals: 0, isHopeless: false }),
    admit: (request, caller) =>
      Effect.withFiber((fiber) => {
        const clock = fiber.getRef(Clock.Clock)
        const expected = estimate(request, fiber.getRef(CallSite))
        let call: LetIn | undefined
        let hasWaited = false
        const letIn = (reservation: Reservation, amounts: Amounts, sentAt: number): LetIn => {
          const { observe } = expected
          tickets.served(caller.ticket)
          return { request, caller, reservation, amounts, sentAt, started: ramp.started(sentAt), clock, observe }
        }

        // Most calls do not wait. They enter in one step, so that no interruption comes between.
        if (buckets.reserveNow !== undefined && reported === undefined && line.isEmpty()) {
          const now = Timer.now(clock)
          if (ramp.wait(now) === 0) {
            const amounts = expected.amounts(isInputScarce(now, fiber.context))
            const answer = buckets.reserveNow(name, amounts, now, clock)
            if (answer._tag === "Reservation") return Effect.succeed(admitted(letIn(answer, amounts, now)))
          }
        }

        const since = clock.monotonicTimeNanosUnsafe()
        const ask: Effect.Effect<Reservation | Wait> = Effect.suspend(() => {
          const now = Timer.now(clock)
          const milliseconds = ramp.wait(now)
          const amounts = expected.amounts(isInputScarce(now, fiber.context))
          const answer =
            milliseconds > 0
              ? Effect.succeed<Wait>({ _tag: "Wait", milliseconds, binds: "ramp" })
              : buckets.reserve(name, amounts)
          return Effect.flatMap(answer, (answer): Effect.Effect<Reservation | Wait> => {
            if (answer._tag === "Wait") {
              hasWaited = true
              return Effect.as(report(now, answer.binds) ?? Effect.void, answer)
            }
            call = letIn(answer, amounts, now)
            const reporting = hasWaited || reported === undefined ? undefined : report(now, undefined)
            return reporting === undefined ? Effect.succeed(answer) : Effect.as(reporting, answer)
          })
        })
        const admitting = Effect.suspend(() => {
          // The line has called `ask` until there was a reservation.
          if (call === undefined) return Effect.die("a call was let in without a reservation")
          const admission = Effect.succeed(admitted(call))
          return Effect.andThen(Event.emitWaited(request.model, "rate-limit", since), admission)
        })
        return Effect.onExitPrimitive(
          Effect.andThen(line.enter(caller.ticket, ask), admitting),
          (exit) => {
            if (Exit.isSuccess(exit) || call === undefined) return undefined
            call.started.ended()
            return Effect.andThen(call.reservation.settle(Settlement.nothing), wake)
          },
          true
        )
      }),
    utilisation: (now) => Utilisation.of(name, uses.lastMinute(now), limits, line.isEmpty() ? undefined : binds)
  }
}

/** A call that has a reservation. */
interface LetIn {
  readonly request: Request
  readonly caller: Caller
  readonly reservation: Reservation
  readonly amounts: Amounts
  readonly observe: Expected["observe"]
  /** In milliseconds. */
  readonly sentAt: number
  readonly started: Ramp.Started
  readonly clock: Clock.Clock
}
