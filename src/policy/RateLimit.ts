/**
 * Keeps calls within the rate limits of the API, ahead of a refusal: requests, input tokens and output tokens of a
 * minute, for each group of models that shares limits. It learns the limits from the headers of every answer. Put it
 * outside `Concurrency`, so that a call holds no permit while it waits, and inside `Retry`, which never sees a 429.
 *
 * Where calls wait, jobs take turns.
 *
 * A 429 closes the gate for every call of the group until `retry-after`, and the refused call is sent again, first in the
 * line. It fails only if the group was refused for 10 minutes without an answer, or if its prompt alone exceeds a limit.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { admitting } from "../claude/Admission.ts"
import { CallSite } from "../claude/CallSite.ts"
import { type Claude, wrap } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import * as Models from "../claude/Models.ts"
import * as Opening from "../claude/Opening.ts"
import type { Request } from "../claude/Request.ts"
import * as Timer from "../claude/Timer.ts"
import type { Buckets, Limits } from "./rateLimit/Buckets.ts"
import * as Estimate from "./rateLimit/Estimate.ts"
import * as Group from "./rateLimit/Group.ts"
import * as LocalBuckets from "./rateLimit/LocalBuckets.ts"
import type { Shared } from "./rateLimit/SharedBuckets.ts"
import type { Utilisation } from "./rateLimit/Utilisation.ts"

export { make as redis } from "./rateLimit/SharedBuckets.ts"
export type { Shared } from "./rateLimit/SharedBuckets.ts"
export type { Utilisation } from "./rateLimit/Utilisation.ts"

/** Limits of each group of models, for a minute. The API may have lower ones. A limit that is left out is learnt. */
export interface Options {
  readonly requestsPerMinute?: number | undefined
  /** Tokens that are read from the prompt cache do not count. */
  readonly inputTokensPerMinute?: number | undefined
  readonly outputTokensPerMinute?: number | undefined
}

/** Options of limits that several processes share. */
export interface SharedOptions extends Options {
  /** Where they are, such as `RateLimit.redis(NodeRedis.layer({ url }))`. An emulator needs its own `storeId`. */
  readonly shared: Shared
}

/** The limits of a process, to share between layers and to watch. */
export interface RateLimit {
  /** The use of every bucket of the groups that have been called. */
  readonly utilisation: Effect.Effect<ReadonlyArray<Utilisation>>
  readonly group: (model: string) => Group.Group
}

/** Limits with nothing used. */
export function make(options: SharedOptions): Effect.Effect<RateLimit, never, Scope.Scope>
export function make(options?: Options): Effect.Effect<RateLimit>
export function make(options: Options | SharedOptions = {}): Effect.Effect<RateLimit, never, Scope.Scope> {
  const limits = limitsOf(options)
  return "shared" in options
    ? Effect.map(options.shared(limits), (buckets) => makeUnsafe(limits, buckets))
    : Effect.sync(() => makeUnsafe(limits, LocalBuckets.make(limits)))
}

const limitsOf = ({ inputTokensPerMinute, outputTokensPerMinute, requestsPerMinute }: Options): Limits => ({
  requests: requestsPerMinute,
  inputTokens: inputTokensPerMinute,
  outputTokens: outputTokensPerMinute
})

const makeUnsafe = (limits: Limits, buckets: Buckets): RateLimit => {
  const estimate = Estimate.make()
  const groups = new Map<string, Group.Group>()
  const byModel = new Map<string, Group.Group>()
  const find = (model: string): Group.Group => {
    const name = Models.limitGroup(model)
    const group = groups.get(name) ?? Group.make(name, buckets, limits, estimate)
    groups.set(name, group)
    byModel.set(model, group)
    return group
  }
  return {
    group: (model) => byModel.get(model) ?? find(model),
    utilisation: Effect.clockWith((clock) => {
      const now = Timer.now(clock)
      return Effect.succeed(Array.from(groups.values()).flatMap((group) => group.utilisation(now)))
    })
  }
}

/** Waits for the limits before each call: a handle of `RateLimit.make`, or options. Counting tokens has other limits. */
export const policy = (limits: RateLimit | Options | SharedOptions = {}) => {
  const made = "group" in limits ? Effect.succeed(limits) : madeOnce(limits)
  return wrap((next) => Effect.map(made, ({ group }) => limiting(next, group)))
}

/** Limits of this process are made with the policy, so that all layers of one policy share them. */
const madeOnce = (options: Options | SharedOptions) => {
  if ("shared" in options) return make(options)
  const limits = limitsOf(options)
  return Effect.succeed(makeUnsafe(limits, LocalBuckets.make(limits)))
}

const limiting = (next: Claude["Service"], group: RateLimit["group"]): Claude["Service"] => {
  const entering = ({ model }: Request, fiber: Fiber.Fiber<unknown, unknown>) => {
    const { admit, call } = group(model)
    const caller = call(fiber.getRef(CallSite).job)
    return { caller, claude: admitting(next, (request) => admit(request, caller)) }
  }
  return {
    create: (request) =>
      Effect.withFiber((fiber) => {
        const { caller, claude } = entering(request, fiber)
        return untilAccepted(claude.create(request), caller)
      }),
    stream: (request) =>
      Stream.unwrap(
        Effect.withFiber((fiber) => {
          const { caller, claude } = entering(request, fiber)
          return untilAccepted(Opening.open(claude.stream(request)), caller)
        })
      ),
    countTokens: next.countTokens,
    capacity: next.capacity
  }
}

/** Sends a call again for as long as it is refused for its rate. Each time it enters the line with its old ticket. */
const untilAccepted = <A, R>(
  call: Effect.Effect<A, ClaudeError, R>,
  caller: Group.Caller
): Effect.Effect<A, ClaudeError, R> =>
  Effect.catchIf(
    call,
    ({ isRetryable, reason }) => reason._tag === "RateLimited" && isRetryable && !caller.isHopeless,
    () => untilAccepted(call, caller)
  )
