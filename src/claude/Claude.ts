/**
 * The service: Claude as three effects and a number. Everything else in this library asks for it, answers for it, or
 * wraps it: `Api` talks to the API, policies wrap it, fakes replace it.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ClaudeError } from "./ClaudeError.ts"
import type { Reply } from "./Reply.ts"
import type { Request } from "./Request.ts"
import type { StreamEvent } from "./StreamEvent.ts"

/** Claude, as the program sees it. */
export class Claude extends Context.Service<
  Claude,
  {
    /** One answer. Every status 200 succeeds, whatever the stop reason. */
    readonly create: (request: Request) => Effect.Effect<Reply, ClaudeError>
    /** One answer as it is made: `stream_start`, then the API's events up to and with `message_stop`. */
    readonly stream: (request: Request) => Stream.Stream<StreamEvent, ClaudeError>
    /** The number of input tokens that a request would have. Free of charge. */
    readonly countTokens: (request: Request) => Effect.Effect<number, ClaudeError>
    /** How many calls are worth having in flight at once. */
    readonly capacity: Effect.Effect<number>
  }
>()("effect-claude/Claude") {}

/** How long to wait, for the calls of the running fiber. */
export interface Timeouts {
  /** For a whole answer, or for the headers of a stream. */
  readonly call: Duration.Input
  /** For the next byte of a stream; pings count. */
  readonly idle: Duration.Input
}

/** By default 10 minutes for a call, as in the SDK, and 60 seconds without a byte. */
export const Timeouts: Context.Reference<Timeouts> = Context.Reference("effect-claude/Timeouts", {
  defaultValue: (): Timeouts => ({ call: Duration.minutes(10), idle: Duration.seconds(60) })
})

/**
 * Makes a policy: a function from layer to layer that puts `f(next)` in the place of `Claude` and leaves the other
 * services visible. A policy supplies every member, so forgetting one does not compile.
 */
export const wrap =
  <E2 = never, R2 = never>(f: (next: Claude["Service"]) => Effect.Effect<Claude["Service"], E2, R2>) =>
  <A, E, R>(
    self: Layer.Layer<A | Claude, E, R>
  ): Layer.Layer<A | Claude, E | E2, R | Exclude<Exclude<R2, Scope.Scope>, A | Claude>> =>
    Layer.effect(Claude, Claude.use(f)).pipe(Layer.provideMerge(self))
