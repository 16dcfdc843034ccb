/**
 * Reports the events of an attempt to the `Event` listener. Whatever answers calls itself (the API, a fake) wraps its
 * answers in this, and so every attempt has a number and exactly one end. Of the policies, only `MessageBatches` does.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { CallSite } from "./CallSite.ts"
import type { ClaudeError } from "./ClaudeError.ts"
import * as Cost from "./Cost.ts"
import * as Event from "./Event.ts"
import type { Reply, ReplyFacts } from "./Reply.ts"
import type { Request } from "./Request.ts"
import * as StreamEvent from "./StreamEvent.ts"

let minted = 0

/** Reports one attempt to the listener that the fiber has when it begins; `undefined` without a listener. */
const reporting = (fiber: Fiber.Fiber<unknown, unknown>, model: string) => {
  const listener = fiber.getRef(Event.Listener)
  if (listener === undefined) return undefined
  const clock = fiber.getRef(Clock.Clock)
  const site = fiber.getRef(CallSite)
  const attempt = ++minted
  const report = (body: Event.EventBody) => listener({ ...body, site })
  const now = () => new Date(clock.currentTimeMillisUnsafe())
  return {
    sent: report({ _tag: "call-sent", attempt, model }),
    firstToken: Effect.suspend(() => report({ _tag: "call-first-token", attempt, model })),
    finished: (reply: Reply) => report(Event.finished(attempt, reply, now())),
    /** Anything but a failure of the attempt itself, such as a defect, counts as cancelled by the caller. */
    unfinished: (cause: Cause.Cause<ClaudeError>) => {
      const error = Option.getOrUndefined(Cause.findErrorOption(cause))
      if (error === undefined) return report({ _tag: "call-interrupted", attempt, model })
      const { usage } = error.reason
      const { cost, saved } = usage === undefined ? unbilled : Cost.billOf({ model, usage, at: now() })
      return report({ _tag: "call-failed", attempt, model, error, cost, saved })
    }
  }
}

const unbilled = { cost: undefined, saved: undefined }

/** Reports one answer: `call-sent`, then one end. */
export const create = (
  { model }: Request,
  answer: Effect.Effect<Reply, ClaudeError>
): Effect.Effect<Reply, ClaudeError> =>
  Effect.withFiber((fiber) => {
    const reports = reporting(fiber, model)
    if (reports === undefined) return answer
    return Effect.onExit(Effect.andThen(reports.sent, answer), (exit) =>
      Exit.isSuccess(exit) ? reports.finished(exit.value) : reports.unfinished(exit.cause)
    )
  })

/** Reports one stream: `call-sent`, its first token, then one end. Without a listener it costs nothing. */
export const stream = (
  { model }: Request,
  events: Stream.Stream<StreamEvent.StreamEvent, ClaudeError>
): Stream.Stream<StreamEvent.StreamEvent, ClaudeError> =>
  Stream.unwrap(
    Effect.withFiber((fiber) => {
      const reports = reporting(fiber, model)
      return Effect.succeed(reports === undefined ? events : observed(reports, events, fiber.context))
    })
  )

/** The end is reported in the context of the beginning: a reader that leaves closes the stream in its own context. */
const observed = (
  reports: NonNullable<ReturnType<typeof reporting>>,
  events: Stream.Stream<StreamEvent.StreamEvent, ClaudeError>,
  context: Context.Context<never>
) => {
  const accumulator = StreamEvent.accumulator()
  let facts: ReplyFacts | undefined
  let hasContent = false
  let ended = false
  let failure: Cause.Cause<ClaudeError> = Cause.empty

  const finished = Effect.suspend(() => {
    const message = accumulator.message()
    if (ended || facts === undefined || message === undefined) return Effect.void
    ended = true
    return reports.finished({ ...facts, message })
  }).pipe(Effect.uninterruptible)

  /** The report that an event gives rise to; most give none. */
  const reportOf = (event: StreamEvent.StreamEvent): Effect.Effect<void> | undefined => {
    accumulator.add(event)
    if (hasContent && event.type === "content_block_delta") return undefined
    if (event.type === "stream_start") {
      const { type: _, ...rest } = event
      facts = rest
    }
    if (event.type === "message_stop") return finished
    if (hasContent || !StreamEvent.isContent(event)) return undefined
    hasContent = true
    return reports.firstToken
  }
  const unfinished = Effect.suspend(() => {
    if (ended) return Effect.void
    ended = true
    return Effect.provideContext(reports.unfinished(failure), context)
  }).pipe(Effect.uninterruptible)

  /** Reports one pull of the stream: one step for each pull, because every operator costs on the hot path of streams. */
  const pulled = (exit: Exit.Exit<ReadonlyArray<StreamEvent.StreamEvent>, ClaudeError | Cause.Done>) => {
    if (Exit.isFailure(exit)) {
      if (Pull.isDoneCause(exit.cause)) return unfinished
      // The end of the stream, which the type has too, is handled above.
      failure = exit.cause as Cause.Cause<ClaudeError>
      return Cause.hasInterrupts(failure) ? undefined : unfinished
    }
    let due: Effect.Effect<void> | undefined
    for (const event of exit.value) {
      const report = reportOf(event)
      if (report !== undefined) due = due === undefined ? report : Effect.andThen(due, report)
    }
    return due
  }
  // A reader that leaves or fails closes the scope of the stream, which counts as cancelling the attempt.
  return Stream.transformPull(events, (pull, scope) => {
    const followed = Effect.onExitPrimitive(pull, pulled, true)
    let isSent = false
    const sending = Effect.suspend(() => {
      if (isSent) return followed
      isSent = true
      return Effect.andThen(Effect.andThen(Scope.addFinalizer(scope, unfinished), reports.sent), followed)
    })
    return Effect.succeed(sending)
  })
}
