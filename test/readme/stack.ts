import { Claude, Concurrency, Logging, Retry, Telemetry } from "effect-claude"

export const live = Claude.layerConfig().pipe(
  Concurrency.policy(64),
  Retry.policy(),
  Telemetry.policy(),
  Logging.policy()
)
