/**
 * The attributes and metrics that the GenAI conventions list for a client's inferences. The names and values come from
 * `@opentelemetry/semantic-conventions` 1.45, which has them as deprecated, from before they moved to
 * open-telemetry/semantic-conventions-genai. The later changes, the types and the metrics are copied by hand from its
 * docs/gen-ai: client-inference.md at commit 024a4f9, gen-ai-token-metrics.md at 066d4a7, and
 * non-normative/migration.md at 32c328e, which names the pull requests.
 */
import * as conventions from "@opentelemetry/semantic-conventions/incubating"

/** Names added since the move. */
const since = [
  "gen_ai.usage.cache_write.input_tokens", // 440
  "gen_ai.request.reasoning.level",
  "gen_ai.token.modality" // 374
]

/** Names replaced before or since the move. */
const replaced = new Set<string>([
  conventions.ATTR_GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS, // 440
  conventions.ATTR_GEN_AI_TOKEN_TYPE, // 374
  conventions.ATTR_GEN_AI_SYSTEM
])

/** Every name of an attribute. */
export const attributes: ReadonlySet<string> = new Set([
  ...members("ATTR_").filter((name) => !replaced.has(name)),
  ...since
])

/** The types of the attributes that we use, by their OTLP field names. */
export const types: Readonly<Record<string, ReadonlyArray<string>>> = {
  [conventions.ATTR_GEN_AI_OPERATION_NAME]: ["stringValue"],
  [conventions.ATTR_GEN_AI_PROVIDER_NAME]: ["stringValue"],
  [conventions.ATTR_GEN_AI_REQUEST_MODEL]: ["stringValue"],
  [conventions.ATTR_GEN_AI_REQUEST_MAX_TOKENS]: ["intValue"],
  [conventions.ATTR_GEN_AI_REQUEST_STREAM]: ["boolValue"],
  [conventions.ATTR_GEN_AI_OUTPUT_TYPE]: ["stringValue"],
  "gen_ai.request.reasoning.level": ["stringValue"],
  [conventions.ATTR_GEN_AI_RESPONSE_ID]: ["stringValue"],
  [conventions.ATTR_GEN_AI_RESPONSE_MODEL]: ["stringValue"],
  [conventions.ATTR_GEN_AI_RESPONSE_FINISH_REASONS]: ["arrayValue"],
  // A double without a fraction is an integer to JavaScript.
  [conventions.ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]: ["doubleValue", "intValue"],
  [conventions.ATTR_GEN_AI_USAGE_INPUT_TOKENS]: ["intValue"],
  [conventions.ATTR_GEN_AI_USAGE_OUTPUT_TOKENS]: ["intValue"],
  [conventions.ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS]: ["intValue"],
  "gen_ai.usage.cache_write.input_tokens": ["intValue"],
  [conventions.ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS]: ["intValue"],
  [conventions.ATTR_GEN_AI_INPUT_MESSAGES]: ["stringValue"],
  [conventions.ATTR_GEN_AI_OUTPUT_MESSAGES]: ["stringValue"],
  [conventions.ATTR_GEN_AI_SYSTEM_INSTRUCTIONS]: ["stringValue"],
  [conventions.ATTR_ERROR_TYPE]: ["stringValue"],
  [conventions.ATTR_SERVER_ADDRESS]: ["stringValue"],
  [conventions.ATTR_SERVER_PORT]: ["intValue"],
  "gen_ai.token.modality": ["stringValue"]
}

/** The attributes whose values come from a list. */
export const values: Readonly<Record<string, ReadonlyArray<string>>> = {
  [conventions.ATTR_GEN_AI_OPERATION_NAME]: members("GEN_AI_OPERATION_NAME_VALUE_"),
  [conventions.ATTR_GEN_AI_PROVIDER_NAME]: members("GEN_AI_PROVIDER_NAME_VALUE_"),
  [conventions.ATTR_GEN_AI_OUTPUT_TYPE]: members("GEN_AI_OUTPUT_TYPE_VALUE_"),
  "gen_ai.token.modality": ["audio", "image", "text", "unknown"]
}

const seconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
const tokens = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864]

/** The metrics that we record (374, 521): their units, and the boundaries of histograms. */
export const metrics: Readonly<Record<string, { readonly unit: string; readonly bounds?: ReadonlyArray<number> }>> = {
  "gen_ai.client.inference.duration": { unit: "s", bounds: seconds },
  "gen_ai.client.inference.time_to_first_chunk": { unit: "s", bounds: seconds },
  "gen_ai.client.inference.operation.input_tokens": { unit: "{token}", bounds: tokens },
  "gen_ai.client.inference.operation.output_tokens": { unit: "{token}", bounds: tokens },
  "gen_ai.client.inference.usage.input_tokens": { unit: "{token}" },
  "gen_ai.client.inference.usage.output_tokens": { unit: "{token}" },
  "gen_ai.client.inference.usage.cache_read.input_tokens": { unit: "{token}" },
  "gen_ai.client.inference.usage.cache_write.input_tokens": { unit: "{token}" },
  "gen_ai.client.inference.usage.reasoning.output_tokens": { unit: "{token}" }
}

function members(prefix: string): ReadonlyArray<string> {
  return Object.entries(conventions).flatMap(([key, value]) =>
    key.startsWith(prefix) && typeof value === "string" ? [value] : []
  )
}
