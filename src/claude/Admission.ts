/**
 * Lets calls in: each waits until `admit` lets it in, runs, and then settles once, however it ends. Policies that limit
 * or watch calls are built on it. It treats `create` and `stream` alike; counting tokens is free and passes by.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Claude } from "./Claude.ts"
import { ClaudeError } from "./ClaudeError.ts"
import * as Hold from "./Hold.ts"
import { type Message, type Reply, type ReplyFacts, textLength } from "./Reply.ts"
import type { Request } from "./Request.ts"
import * as StreamEvent from "./StreamEvent.ts"

/** How a call ended. */
export interface Outcome {
  /** A stream counts as interrupted where its reader leaves before the end or fails: the call itself did not fail. */
  readonly exit: Exit.Exit<unknown, unknown>
  readonly facts: ReplyFacts | undefined
  /** The message as far as it came, for its usage and model. From a stream it has no content unless `content` is set. */
  readonly message: Message | undefined
  /** Characters of text in the answer, as far as it came. */
  readonly length: number
}

/** The error with which a call failed; undefined for a success, an interruption and a defect. */
export const errorOf = ({ exit }: Pick<Outcome, "exit">): ClaudeError | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  return error instanceof ClaudeError ? error : undefined
}

/** A call that was let in. */
export interface Admission {
  /** The request to send. */
  readonly request: Request
  /** Runs once, without interruption, when the call has ended. Without it, `opened` and `context`, events cost nothing. */
  readonly settle?: (outcome: Outcome) => Effect.Effect<void>
  /** Changes the context in which the call runs, such as its span. */
  readonly context?: (outer: Context.Context<never>) => Context.Context<never>
  /** Runs when the first content of a stream arrives. */
  readonly opened?: (facts: ReplyFacts | undefined) => Effect.Effect<void>
  /** Collects the content of streams for `settle`, which costs time for every event. */
  readonly content?: boolean
}

/**
 * Waits, interruptibly, until `admit` lets the request in; runs it; settles with the outcome, also after a failure, an
 * interruption, a defect, and when the reader of a stream leaves. The scope of `admit` is open for the life of the call
 * and closes after `settle`. Put a resource that `admit` takes before its last step into that scope.
 */
export const admitting = (
  next: Claude["Service"],
  admit: (request: Request, streaming: boolean) => Effect.Effect<Admission, ClaudeError, Scope.Scope>
): Claude["Service"] => ({
  create: (request) =>
    Effect.scoped(
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(restore(Hold.until(admit(request, false))), (admission) => {
          const { context } = admission
          const call = Effect.suspend(() => {
            const sent = next.create(admission.request)
            return restore(context === undefined ? sent : Effect.updateContext(sent, context))
          })
          const { settle } = admission
          return settle === undefined ? call : Effect.onExit(call, (exit) => settle(outcomeOf(exit)))
        })
      )
    ),
  stream: (request) =>
    Stream.unwrap(
      Effect.suspend(() => {
        const progress = makeProgress()
        return Effect.map(
          Effect.acquireRelease(
            Hold.until(admit(request, true)),
            ({ settle }) => settle?.(progress.outcome()) ?? Effect.void,
            {
              interruptible: true
            }
          ),
          (admission) => following(admission, progress, next)
        )
      })
    ),
  countTokens: next.countTokens,
  capacity: next.capacity
})

const outcomeOf = (exit: Exit.Exit<Reply, ClaudeError>): Outcome => {
  if (Exit.isFailure(exit)) return { exit, facts: undefined, message: undefined, length: 0 }
  const { message } = exit.value
  return { exit, facts: exit.value, message, length: textLength(message) }
}

type Pulled = Exit.Exit<ReadonlyArray<StreamEvent.StreamEvent>, unknown>

/** What has come of a stream so far. */
const makeProgress = () => {
  const accumulator = StreamEvent.accumulator()
  let exit: Exit.Exit<unknown, unknown> | undefined
  let facts: ReplyFacts | undefined
  let length = 0
  let isOpen = false

  const add = (event: StreamEvent.StreamEvent, content: boolean): void => {
    if (StreamEvent.isContent(event)) {
      isOpen = true
      length += StreamEvent.text(event).length
      if (content) accumulator.add(event)
    } else if (event.type === "stream_start") facts = event
    else if (event.type === "message_stop") exit ??= Exit.void
    else accumulator.add(event)
  }
  return {
    outcome: (): Outcome => ({ exit: exit ?? Exit.interrupt(), facts, message: accumulator.message(), length }),
    /** Follows one pull of the stream. */
    pulled: (pulled: Pulled, { content = false, opened }: Admission): Effect.Effect<void> | undefined => {
      if (Exit.isFailure(pulled)) {
        exit ??= Pull.isDoneCause(pulled.cause) ? Exit.void : pulled
        return undefined
      }
      const wasOpen = isOpen
      for (const event of pulled.value) add(event, content)
      return wasOpen || !isOpen ? undefined : opened?.(facts)
    }
  }
}

/** One step for each pull, whatever it does: on the hot path of streams, every operator costs. */
const following = (admission: Admission, progress: ReturnType<typeof makeProgress>, next: Claude["Service"]) => {
  const { context, opened, request, settle } = admission
  const stream = Stream.suspend(() => next.stream(request))
  const within = context && once(context)
  if (within === undefined && opened === undefined && settle === undefined) return stream
  return Stream.transformPull(stream, (pull) => {
    const inside = within === undefined ? pull : Effect.updateContext(pull, within)
    return Effect.succeed(Effect.onExitPrimitive(inside, (exit) => progress.pulled(exit, admission), true))
  })
}

type Change = NonNullable<Admission["context"]>

/** Runs a stream in a changed context. */
export const streamWithin = <A, E>(stream: Stream.Stream<A, E>, change: Change): Stream.Stream<A, E> => {
  const within = once(change)
  return Stream.transformPull(stream, (pull) => Effect.succeed(Effect.updateContext(pull, within)))
}

/** Computes the context once for all pulls: they run in the same outer context. */
const once = (change: Change): Change => {
  let last: { readonly outer: Context.Context<never>; readonly inner: Context.Context<never> } | undefined
  return (outer) => {
    if (last?.outer !== outer) last = { outer, inner: change(outer) }
    return last.inner
  }
}
