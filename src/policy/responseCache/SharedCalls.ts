/**
 * Single flight: identical concurrent calls share one request, whole answers and streams alike. The request continues
 * while at least one caller waits, even if the caller that started it is interrupted.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { constVoid } from "effect/Function"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Demand from "../../claude/Demand.ts"
import * as Event from "../../claude/Event.ts"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import * as Replay from "../../claude/Replay.ts"
import type { Reply } from "../../claude/Reply.ts"
import type { StreamEvent } from "../../claude/StreamEvent.ts"
import * as Broadcast from "./Broadcast.ts"
import * as Hit from "./Hit.ts"
import * as Shared from "./Shared.ts"

type Answer = Effect.Effect<Reply, ClaudeError>
type Events = Stream.Stream<StreamEvent, ClaudeError>

/** A call. Concurrent calls with the same key share one request. */
export interface Call {
  readonly key: string
  readonly model: string
}

/** The requests in flight that can be shared. */
export interface SharedCalls {
  /** Joins the request of the call and returns its reply as a hit. If there is none, starts one by running `send`. */
  readonly create: (call: Call, send: Answer) => Answer
  /**
   * Joins the request of the call and returns all its events as a hit. If there is none, starts one by running `send`.
   */
  readonly stream: (call: Call, send: Events) => Events
}

/** A shared request for a whole answer or for a stream. Both kinds of callers can join both kinds of requests. */
type SharedCall = Shared.Shared<Reply, ClaudeError> | Broadcast.Broadcast<StreamEvent, ClaudeError>

/** Starts without requests. */
export const make = (): SharedCalls => {
  const pending = new Map<string, SharedCall>()

  /** Lists a request while callers can join it. */
  const start = <C extends SharedCall>({ key }: Call, make: (closed: () => void) => C): C => {
    const started = make(() => {
      if (pending.get(key) === started) pending.delete(key)
    })
    pending.set(key, started)
    return started
  }

  // Looking up and joining is one step, so that only one call is sent. A caller can be interrupted only after it has
  // joined.
  const create: SharedCalls["create"] = (call, send) =>
    Effect.uninterruptibleMask((restore) => {
      const attempt: Answer = Effect.withFiber(({ context }) => {
        const found = pending.get(call.key)
        if (found === undefined) {
          const own = start(call, (closed) => Shared.make(send, closed))
          return joined(own, context, restore)
        }
        const reply: Effect.Effect<Reply | undefined, ClaudeError> =
          "leave" in found
            ? joined(found, context, restore)
            : Effect.scoped(Effect.flatMap(found.join(context), (events) => restore(Replay.toReply(events))))
        return Effect.flatMap(reportWait(call, reply), (reply) => (reply === undefined ? attempt : Hit.hit(reply)))
      })
      return attempt
    })

  const stream: SharedCalls["stream"] = (call, send) =>
    Stream.unwrap(
      Effect.uninterruptibleMask((restore) =>
        Effect.withFiber(({ context }): Effect.Effect<Events, ClaudeError, Scope.Scope> => {
          const found = pending.get(call.key)
          if (found === undefined) {
            const own = start(call, (closed) => Broadcast.make(send, closed))
            return own.join(context)
          }
          if (!("leave" in found)) return Effect.map(found.join(context), Hit.hits)
          const reply = reportWait(call, joined(found, context, restore))
          return Effect.map(Effect.flatMap(reply, Hit.hit), Replay.toStream)
        })
      )
    )

  return { create, stream }
}

/** Joins a request. Leaves it when it has ended, or when the caller is interrupted. */
const joined = (
  shared: Shared.Shared<Reply, ClaudeError>,
  context: Context.Context<never>,
  restore: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
): Answer => Effect.ensuring(restore(Fiber.join(shared.join(context))), shared.leave)

/** Waits for the shared request, as if the request were that of the waiting item, and reports for how long. */
const reportWait = <A, E>({ model }: Call, reply: Effect.Effect<A, E>) =>
  Effect.flatMap(Clock.monotonicTimeNanos, (since) =>
    Effect.tap(Demand.blocked(constVoid)(reply), () => Event.emitWaited(model, "equal-call", since))
  )
