/**
 * Sends a request a second time where its answer takes unusually long, and takes the answer that comes first. Use it
 * where the slowest answers matter, and not for batches. Put it outside `Retry` and inside `Fallback`.
 *
 * Both requests may be billed: of the one that loses, the connection is closed, and its cost is unknown.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { CallSite } from "../claude/CallSite.ts"
import { wrap } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import * as Opening from "../claude/Opening.ts"
import { mutatesServerState, type Request } from "../claude/Request.ts"
import * as Timer from "../claude/Timer.ts"
import * as Allowance from "./hedge/Allowance.ts"
import * as Latencies from "./hedge/Latencies.ts"
import * as Race from "./hedge/Race.ts"
import * as Requests from "./hedge/Requests.ts"

/** When a request is sent a second time. */
export interface Options {
  /** The share of the answers that come in time, between 0 and 1; 0.95 by default: the slowest 5 % are late. */
  readonly percentile?: number
  /** The share of the calls that may be sent twice; 0.05 by default. */
  readonly maxExtra?: number
}

/**
 * Learns how long answers take, for each model and step and apart for streams, from the last 200; nothing is sent twice
 * before the first 20. The time counts from `call-sent`, so waiting for a limit or a permit is not slow. A stream is late
 * until its first content, and an answer until its end. Each second request is a `call-hedged` event. It passes all
 * policies below: limits and budgets count it, and where all permits are in use it waits for one.
 *
 * A request that changes something on a server (a container, a thread, or tools of an MCP server) is never sent twice.
 */
export const policy = ({ maxExtra = 0.05, percentile = 0.95 }: Options = {}) =>
  wrap((next) =>
    Effect.sync(() => {
      const hedged = hedging(Latencies.make(percentile), Allowance.make(maxExtra))
      return {
        create: (request) => Effect.scoped(hedged(request, "answer", next.create(request))),
        stream: (request) => Stream.unwrap(hedged(request, "first content", Opening.open(next.stream(request)))),
        countTokens: next.countTokens,
        capacity: next.capacity
      }
    })
  )

const isRepeatable = (request: Request): boolean =>
  !mutatesServerState(request) && (request.mcp_servers ?? []).length === 0

type Call<A> = Effect.Effect<A, ClaudeError, Scope.Scope>

/** Runs calls, and sends some of them twice. */
const hedging =
  (latencies: Latencies.Latencies, allowance: Allowance.Allowance) =>
  <A>(request: Request, until: "answer" | "first content", call: Call<A>): Call<A> =>
    Effect.withFiber((fiber) => {
      if (!isRepeatable(request)) return call
      allowance.earn()
      const { model } = request
      const clock = fiber.getRef(Clock.Clock)
      const kind = JSON.stringify([until, model, ...fiber.getRef(CallSite).path])
      const requests = Requests.make(
        model,
        () => Timer.now(clock),
        (millis) => latencies.add(kind, millis)
      )
      const first = requests.first(call)
      const limit = latencies.quantile(kind)
      if (limit === undefined) return first
      const allowed = Effect.suspend(() => (allowance.take() ? Effect.void : Effect.never))
      const giveBack = Effect.sync(() => {
        if (!requests.isSentTwice()) allowance.giveBack()
      })
      return Race.race(
        first,
        Effect.andThen(requests.late(limit), allowed),
        Effect.ensuring(requests.second(call), giveBack)
      )
    })
