/**
 * Asks another model or client when a call fails. Put it outside `Retry`, so that a model is given up only after its
 * repeats, and inside `ResponseCache`, which does not store the answer of a fallback. To fall back sooner, give `Retry` a
 * shorter schedule.
 *
 * For refusals, the API can fall back by itself: see the field `fallbacks` of its requests (beta).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Claude, wrap } from "../claude/Claude.ts"
import { ClaudeError, type Reason, Refused } from "../claude/ClaudeError.ts"
import * as Event from "../claude/Event.ts"
import * as Opening from "../claude/Opening.ts"
import { type Message, type Reply, text } from "../claude/Reply.ts"
import type { Request } from "../claude/Request.ts"
import * as StreamEvent from "../claude/StreamEvent.ts"
import * as Circuits from "./fallback/Circuits.ts"
import { requestFor, type Target } from "./fallback/Target.ts"

export type { Target } from "./fallback/Target.ts"

/**
 * The reasons that can lead to a fallback. `CircuitOpen` always does; a missing recording, an exhausted budget, and the
 * reasons that only verbs raise never do.
 */
export type On = Exclude<
  Reason["_tag"],
  | "BatchItemLost"
  | "BudgetExceeded"
  | "CassetteMiss"
  | "CircuitOpen"
  | "OutputEmpty"
  | "OutputInvalid"
  | "OutputTruncated"
  | "ToolUseRequested"
  | "TurnPaused"
>

/**
 * The default: outages, rate limits, and a model that does not exist or is retired. With `RateLimit` in the stack, calls
 * wait for a rate limit, so it leads to no fallback.
 */
export const reasons: ReadonlyArray<On> = [
  "Overloaded",
  "ServerFailed",
  "TimedOut",
  "ConnectionFailed",
  "StreamInterrupted",
  "MalformedResponse",
  "RateLimited",
  "NotFound"
]

/** When to fall back. */
export interface Options {
  /**
   * `reasons` by default. Add `Refused` to ask another model where one declines, and `SpendLimitReached`,
   * `BillingFailed` or `Unauthenticated` where a fallback has another account.
   */
  readonly on?: ReadonlyArray<On>
}

/**
 * Asks the fallbacks in order, until one answers. A model whose last 5 calls failed is skipped for a while, see
 * `CircuitOpen`. If no fallback answers, the call ends like the last one that was asked. A stream falls back only before
 * its first content.
 *
 * `message.model` of a reply names the model that answered, as do events and spans; each fallback is a `call-fell-back`
 * event. Tokens are counted by the requested model alone, because each model counts differently.
 */
export const policy = <E = never, R = never>(targets: ReadonlyArray<Target<E, R>>, { on = reasons }: Options = {}) =>
  wrap((next) =>
    Effect.gen(function* () {
      const tags: ReadonlySet<string> = new Set(on)
      const fallsBack = isOneOf(tags)
      const places = yield* Effect.forEach(targets, (target, index) => placeOf(target, index + 1, next))
      return falling(next, places, {
        guard: yield* Circuits.make(fallsBack),
        fallsBack,
        onRefusal: tags.has("Refused")
      })
    })
  )

/** A file that the request names may be missing too. No other model finds it. */
const isOneOf =
  (tags: ReadonlySet<string>) =>
  ({ reason }: ClaudeError): boolean => {
    if (reason._tag === "NotFound" && !/\bmodel\b/i.test(reason.detail)) return false
    return reason._tag === "CircuitOpen" || tags.has(reason._tag)
  }

/** Where a fallback sends a request, and the request as it is sent there. */
interface Place {
  readonly claude: Claude["Service"]
  readonly client: number
  readonly requestFor: (request: Request) => Request
}

/** A layer is built anew: layers that are constants, such as `Claude.layer`, would otherwise be shared by all clients. */
const placeOf = <E, R>(
  target: Target<E, R>,
  client: number,
  next: Claude["Service"]
): Effect.Effect<Place, E, R | Scope.Scope> => {
  const at = (client: number, claude: Claude["Service"]): Place => ({
    client,
    claude: marking(claude),
    requestFor: (request) => requestFor(request, target)
  })
  return target.claude === undefined
    ? Effect.succeed(at(0, next))
    : Effect.map(Layer.build(Layer.fresh(target.claude)), (context) => at(client, Context.get(context, Claude)))
}

/** Marks the replies: they came from a fallback. */
const marking = (claude: Claude["Service"]): Claude["Service"] => ({
  ...claude,
  create: (request) => Effect.map(claude.create(request), (reply) => ({ ...reply, fallback: true })),
  stream: (request) =>
    Stream.map(claude.stream(request), (event) =>
      event.type === "stream_start" ? { ...event, fallback: true } : event
    )
})

interface How {
  readonly guard: Circuits.Guard
  readonly fallsBack: (error: ClaudeError) => boolean
  readonly onRefusal: boolean
}

/** Sends a request once. */
type Ask<A, R> = (claude: Claude["Service"], request: Request) => Effect.Effect<A, Circuits.Failed<A>, R>

const falling = (
  next: Claude["Service"],
  places: ReadonlyArray<Place>,
  { fallsBack, guard, onRefusal }: How
): Claude["Service"] => {
  const answer = <A, R>(asked: Request, ask: Ask<A, R>): Effect.Effect<A, ClaudeError, R> => {
    const attempt = (request: Request, { claude, client }: Omit<Place, "requestFor">) =>
      guard({ client, model: request.model }, ask(claude, request))

    /** Continues after a failure of `model`; `earlier` is the last failure of a model that was asked. */
    const after = (
      failed: Circuits.Failed<A>,
      model: string,
      others: ReadonlyArray<Place>,
      earlier: Circuits.Failed<A> = failed
    ): Effect.Effect<A, ClaudeError, R> => {
      const last = failed.error.reason._tag === "CircuitOpen" ? earlier : failed
      const [place, ...rest] = fallsBack(failed.error) ? others : []
      if (place === undefined) return last.answer === undefined ? Effect.fail(last.error) : Effect.succeed(last.answer)
      const request = place.requestFor(asked)
      if (request === asked && place.client === 0) return after(failed, model, rest, last)
      return Effect.andThen(
        Event.emit(() => ({ _tag: "call-fell-back", model, to: request.model, error: failed.error })),
        Effect.catch(attempt(request, place), (again) => after(again, request.model, rest, last))
      )
    }
    return Effect.catch(attempt(asked, { claude: next, client: 0 }), (failed) => after(failed, asked.model, places))
  }
  const ask = onRefusal ? willing : plain
  return {
    create: (request) => answer(request, ask.create),
    stream: (request) => Stream.unwrap(answer(request, ask.stream)),
    countTokens: next.countTokens,
    capacity: next.capacity
  }
}

type Events = Stream.Stream<StreamEvent.StreamEvent, ClaudeError>

interface Asking {
  readonly create: Ask<Reply, never>
  readonly stream: Ask<Events, Scope.Scope>
}

const failed = (error: ClaudeError) => new Circuits.Failed<never>(error)

/** A refusal is an answer. */
const plain: Asking = {
  create: (claude, request) => Effect.mapError(claude.create(request), failed),
  stream: (claude, request) => Effect.mapError(Opening.open(claude.stream(request)), failed)
}

/** A refusal is a failure; that of a stream is only if no output came before it. */
const willing: Asking = {
  create: (claude, request) =>
    Effect.flatMap(plain.create(claude, request), (reply) => orRefusal(reply.message, reply)),
  stream: (claude, request) =>
    Effect.flatMap(Effect.mapError(Opening.begin(claude.stream(request), isOutput), failed), ({ events, pull }) => {
      const accumulator = StreamEvent.accumulator()
      for (const event of events) accumulator.add(event)
      const answer = Opening.resume(events, pull)
      return orRefusal(events.some(isOutput) ? undefined : accumulator.message(), answer)
    })
}

const orRefusal = <A>(message: Message | undefined, answer: A): Effect.Effect<A, Circuits.Failed<A>> => {
  if (message?.stop_reason !== "refusal") return Effect.succeed(answer)
  const category = message.stop_details?.category
  const detail = "Claude declined to answer"
  const reason = new Refused({ detail, text: text(message), ...(category && { category }) })
  return Effect.fail(new Circuits.Failed(new ClaudeError({ reason }), answer))
}

/** The API opens a text block before it refuses, and leaves it empty. */
const isOutput = (event: StreamEvent.StreamEvent): boolean =>
  StreamEvent.isContent(event) &&
  !(event.type === "content_block_start" && event.content_block.type === "text" && StreamEvent.text(event) === "")
