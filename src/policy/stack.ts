/**
 * The recommended stack of policies, in the right order. Provide it once, at the edge of the program: two provides
 * build two semaphores.
 */
import * as Layer from "effect/Layer"
import type { BackingPersistence } from "effect/persistence/Persistence"
import type { Claude } from "../claude/Claude.ts"
import * as Concurrency from "./Concurrency.ts"
import * as Logging from "./Logging.ts"
import * as PromptCache from "./PromptCache.ts"
import * as ResponseCache from "./ResponseCache.ts"
import * as Retry from "./Retry.ts"
import * as Telemetry from "./Telemetry.ts"

/** The options of the stack. */
export interface StackOptions<E = never, R = never> {
  /** Calls in flight at once; 64 by default. */
  readonly concurrency?: number | Concurrency.Concurrency
  /** When to call again; `Retry.schedule` by default. */
  readonly retry?: Retry.RetrySchedule
  /** How the API caches prompts, such as `{ ttl: "1h" }`; by default it caches none. */
  readonly promptCache?: PromptCache.PolicyOptions
  /** Where answers are stored, such as `ResponseCache.layerMemory()`, and which; by default none are. */
  readonly cache?: ResponseCache.Options & { readonly store: Layer.Layer<BackingPersistence, E, R> }
  /** The options of `Telemetry.policy`. */
  readonly telemetry?: Telemetry.Options
}

/** From the wire outward: `Concurrency`, `Retry`, `PromptCache`, `ResponseCache`, `Telemetry`, `Logging`. */
export const stack =
  <E2 = never, R2 = never>({
    cache,
    concurrency = 64,
    promptCache,
    retry = Retry.schedule,
    telemetry
  }: StackOptions<E2, R2> = {}) =>
  <A, E, R>(self: Layer.Layer<A | Claude, E, R>): Layer.Layer<A | Claude, E | E2, R | R2> => {
    const patient = self.pipe(Concurrency.policy(concurrency), Retry.policy(retry))
    const placing = promptCache === undefined ? patient : PromptCache.policy(promptCache)(patient)
    const cached: Layer.Layer<A | Claude, E | E2, R | R2> =
      cache === undefined ? placing : placing.pipe(ResponseCache.policy(cache), Layer.provide(cache.store))
    return cached.pipe(Telemetry.policy(telemetry), Logging.policy())
  }
