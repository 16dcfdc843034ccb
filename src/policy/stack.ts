/**
 * The recommended stack of policies, in the right order. Provide it once, at the edge of the program: two provides
 * build two semaphores.
 */
import * as Layer from "effect/Layer"
import type { BackingPersistence } from "effect/persistence/Persistence"
import type { AnthropicClient } from "../claude/AnthropicClient.ts"
import type { Claude } from "../claude/Claude.ts"
import * as Budget from "./Budget.ts"
import * as Concurrency from "./Concurrency.ts"
import * as Fallback from "./Fallback.ts"
import * as Hedge from "./Hedge.ts"
import * as Logging from "./Logging.ts"
import * as MessageBatches from "./MessageBatches.ts"
import * as PromptCache from "./PromptCache.ts"
import * as RateLimit from "./RateLimit.ts"
import * as ResponseCache from "./ResponseCache.ts"
import * as Retry from "./Retry.ts"
import * as Telemetry from "./Telemetry.ts"

/** The options of the stack. */
export interface StackOptions<E = never, R = never> {
  /** Calls in flight at once; 64 by default. Has no effect with `batches`. */
  readonly concurrency?: number | Concurrency.Concurrency
  /** Explicit rate limits, or a handle of `RateLimit.make`; by default they are learnt. Has no effect with `batches`. */
  readonly rateLimit?: Parameters<typeof RateLimit.policy>[0]
  /** The most to spend, such as `"5 USD"`, or a handle of `Budget.make`; by default there is no limit. */
  readonly budget?: Parameters<typeof Budget.policy>[0]
  /** When to call again; `Retry.schedule` by default. */
  readonly retry?: Retry.RetrySchedule
  /** When to send a request a second time; `{}` for the defaults. By default never. Has no effect with `batches`. */
  readonly hedge?: Hedge.Options
  /** The models, or clients, to ask when a call fails, in order; by default there is none. See `Fallback.policy`. */
  readonly fallback?: ReadonlyArray<Fallback.Target<E, R>>
  /** How the API caches prompts, such as `{ ttl: "1h" }`; by default it caches none. */
  readonly promptCache?: PromptCache.PolicyOptions
  /** Where answers are stored, such as `ResponseCache.layerMemory()`, and which; by default none are. */
  readonly cache?: ResponseCache.Options & { readonly store: Layer.Layer<BackingPersistence, E, R> }
  /** The options of `Telemetry.policy`. */
  readonly telemetry?: Telemetry.Options
}

/** The options of a stack that sends Message Batches. They need the SDK client of the layer. */
export interface BatchesStackOptions<E = never, R = never> extends StackOptions<E, R> {
  /** When batches are sent, or a handle of `MessageBatches.make`; `{}` for the defaults. */
  readonly batches: MessageBatches.Options | MessageBatches.MessageBatches
}

/**
 * From the wire outward: `Concurrency` and `RateLimit` or, with `batches`, `MessageBatches`; then `Budget`, `Retry`,
 * `Hedge`, `Fallback`, `PromptCache`, `ResponseCache`, `Telemetry`, `Logging`. With `batches`, `warmUp` of the prompt cache
 * has no effect: see `MessageBatches`.
 */
export function stack<E2 = never, R2 = never>(
  options: BatchesStackOptions<E2, R2>
): <A, E, R>(
  self: Layer.Layer<A | Claude, E, R>
) => Layer.Layer<A | Claude, E | E2, R | R2 | Exclude<AnthropicClient, A | Claude>>
export function stack<E2 = never, R2 = never>(
  options?: StackOptions<E2, R2>
): <A, E, R>(self: Layer.Layer<A | Claude, E, R>) => Layer.Layer<A | Claude, E | E2, R | R2>
export function stack<E2, R2>({
  batches,
  budget,
  cache,
  concurrency = 64,
  fallback = [],
  hedge,
  promptCache,
  rateLimit,
  retry = Retry.schedule,
  telemetry
}: StackOptions<E2, R2> & Partial<Pick<BatchesStackOptions, "batches">> = {}) {
  return <A, E, R>(
    self: Layer.Layer<A | Claude, E, R>
  ): Layer.Layer<A | Claude, E | E2, R | R2 | Exclude<AnthropicClient, A | Claude>> => {
    const nearest: Layer.Layer<A | Claude, E, R | Exclude<AnthropicClient, A | Claude>> =
      batches === undefined
        ? self.pipe(Concurrency.policy(concurrency), RateLimit.policy(rateLimit))
        : self.pipe(MessageBatches.policy(batches))
    const shared = budget === undefined ? undefined : Budget.from(budget)
    const sparing = shared === undefined ? nearest : Budget.policy(shared)(nearest)
    const patient = sparing.pipe(Retry.policy(retry))
    const timely = batches === undefined && hedge !== undefined ? Hedge.policy(hedge)(patient) : patient
    const safe: Layer.Layer<A | Claude, E | E2, R | R2 | Exclude<AnthropicClient, A | Claude>> =
      fallback.length === 0 ? timely : timely.pipe(Fallback.policy(fallback.map(within(shared))))
    const { warmUp, ...place } = promptCache ?? {}
    const warm = batches === undefined && warmUp !== undefined && { warmUp }
    const placing = promptCache === undefined ? safe : PromptCache.policy({ ...place, ...warm })(safe)
    const cached: Layer.Layer<A | Claude, E | E2, R | R2 | Exclude<AnthropicClient, A | Claude>> =
      cache === undefined ? placing : placing.pipe(ResponseCache.policy(cache), Layer.provide(cache.store))
    return cached.pipe(Telemetry.policy(telemetry), Logging.policy())
  }
}

/** Another client has its own policies, but it spends from the same budget. */
const within =
  (budget: Budget.Budget | undefined) =>
  <E, R>(target: Fallback.Target<E, R>): Fallback.Target<E, R> =>
    budget === undefined || target.claude === undefined
      ? target
      : { ...target, claude: Budget.policy(budget)(target.claude) }
