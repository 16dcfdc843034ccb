import { Claude, Concurrency, Logging, RateLimit, Retry, Telemetry } from "effect-claude"

export const live = Claude.layerConfig().pipe(
  Concurrency.policy(64),
  RateLimit.policy(),
  Retry.policy(),
  Telemetry.policy(),
  Logging.policy()
)
