/**
 * The service tier at which the API bills the calls of a layer. `MessageBatches` provides `batch`, so that a `Budget`
 * outside it reserves half.
 */
import * as Context from "effect/Context"

export type ServiceTier = "standard" | "batch"

/** `standard` by default. */
export const ServiceTier: Context.Reference<ServiceTier> = Context.Reference("effect-claude/ServiceTier", {
  defaultValue: (): ServiceTier => "standard"
})
