/**
 * The tier by which the API bills the calls of a layer. `MessageBatches` provides `batch`, so that `Budget` reserves at
 * half the price above it.
 */
import * as Context from "effect/Context"

/** `standard` by default. */
export const ServiceTier: Context.Reference<"standard" | "batch"> = Context.Reference("effect-claude/ServiceTier", {
  defaultValue: (): "standard" | "batch" => "standard"
})
