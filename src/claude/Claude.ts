/**
 * The service `Claude`, on which the rest of this library builds: verbs call it, `Api` implements it over the API,
 * policies wrap it, and fakes replace it.
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

/** Claude as a service. */
export class Claude extends Context.Service<
  Claude,
  {
    /** One answer. Every answer with status 200 is a success, with any stop reason. */
    readonly create: (request: Request) => Effect.Effect<Reply, ClaudeError>
    /** One answer as a stream: `stream_start`, then the API's events up to and including `message_stop`. */
    readonly stream: (request: Request) => Stream.Stream<StreamEvent, ClaudeError>
    /** Counts the input tokens of a request. Free of charge. */
    readonly countTokens: (request: Request) => Effect.Effect<number, ClaudeError>
    /** The useful number of calls in flight. `Batch` sets its concurrency by it. */
    readonly capacity: Effect.Effect<number>
  }
>()("effect-claude/Claude") {}

/** The time limits for the calls of the running fiber. */
export interface Timeouts {
  /** The limit for a whole answer, or for the headers of a stream. */
  readonly call: Duration.Input
  /** The limit for the next byte of a stream. Pings count. */
  readonly idle: Duration.Input
}

/** By default 10 minutes for a call, as in the SDK, and 60 seconds without a byte. */
export const Timeouts: Context.Reference<Timeouts> = Context.Reference("effect-claude/Timeouts", {
  defaultValue: (): Timeouts => ({ call: Duration.minutes(10), idle: Duration.seconds(60) })
})

/**
 * Makes a policy: a function from one layer to another that replaces `Claude` by `f(next)` and keeps the other
 * services. A policy must supply every member of the service, or it does not compile.
 */
export const wrap =
  <E2 = never, R2 = never>(f: (next: Claude["Service"]) => Effect.Effect<Claude["Service"], E2, R2>) =>
  <A, E, R>(
    self: Layer.Layer<A | Claude, E, R>
  ): Layer.Layer<A | Claude, E | E2, R | Exclude<Exclude<R2, Scope.Scope>, A | Claude>> =>
    Layer.effect(Claude, Claude.use(f)).pipe(Layer.provideMerge(self))
