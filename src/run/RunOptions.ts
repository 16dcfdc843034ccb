/**
 * Applies the flags of a run: the model of the job, the layers below it, and the options of the run.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Claude, RateLimit } from "../index.ts"
import type * as Job from "../pipeline/Job.ts"
import * as CacheStore from "./CacheStore.ts"
import * as Redis from "./Redis.ts"
import type { RunFlags } from "./RunFlags.ts"

/** A job with rows of any type. */
export type AnyJob = Job.Job<never, unknown, unknown>

/** The job with the model of the flags, which wins over a default model from the job's own layer. */
export const apply = <Row, Out, E>(
  { model, onlyResults }: Pick<RunFlags, "model" | "onlyResults">,
  { keepInput, layer = Layer.empty, ...job }: Job.Job<Row, Out, E>
): Job.Job<Row, Out, E> => ({
  ...job,
  ...(keepInput !== undefined && !onlyResults && { keepInput }),
  layer: Option.match(model, {
    onNone: () => layer,
    onSome: (model) =>
      Layer.effect(
        Claude.Defaults,
        Effect.map(Claude.Defaults, (defaults) => ({ ...defaults, model }))
      ).pipe(Layer.provideMerge(layer))
  })
})

/**
 * The options of `Claude.stack` that `RunControls` does not have. An emulator has its own cache within the store, and its own
 * limits in Redis.
 */
export const ofStack = Effect.fnUntraced(function* (
  flags: Pick<RunFlags, "cache" | "fallback" | "promptCache"> & LimitFlags,
  emulated: boolean
) {
  const { cache, fallback, promptCache } = flags
  const place = emulated ? { storeId: "effect-claude-emulator" } : {}
  return {
    rateLimit: yield* rateLimitOf(flags, place),
    ...(Option.isSome(fallback) && { fallback: [{ model: fallback.value }] }),
    ...(Option.isSome(cache) && { cache: { store: CacheStore.layer(cache.value), ...place } }),
    ...(Option.isSome(promptCache) && { promptCache: { ttl: promptCache.value, warmUp: "1 minute" } as const })
  }
})

type LimitFlags = Pick<RunFlags, "itpm" | "otpm" | "redis" | "rpm">

const rateLimitOf = ({ itpm, otpm, redis, rpm }: LimitFlags, place: { readonly storeId?: string }) => {
  const limits = {
    requestsPerMinute: Option.getOrUndefined(rpm),
    inputTokensPerMinute: Option.getOrUndefined(itpm),
    outputTokensPerMinute: Option.getOrUndefined(otpm)
  }
  if (Option.isNone(redis)) return Effect.succeed(limits)
  return Effect.map(Redis.client(redis.value), (client) => ({ ...limits, shared: RateLimit.redis(client, place) }))
}

/** The options of `Job.run`. */
export const ofRun = ({ keep, limit, maxFailures, rejects, rerun, sample }: RunFlags): Job.RunOptions<unknown> => ({
  changed: keep ? "keep" : rerun ? "rerun" : "stop",
  ...(Option.isSome(limit) && { limit: limit.value }),
  ...(Option.isSome(maxFailures) && { maxFailures: maxFailures.value }),
  ...(Option.isSome(rejects) && { rejects: rejects.value }),
  ...(Option.isSome(sample) && { sample: sample.value })
})
