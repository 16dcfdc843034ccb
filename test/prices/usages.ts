/**
 * Usages of answers, each with one fact that decides its price.
 */
import type { ApiUsage } from "../../src/claude/Usage.ts"

const plain = { input_tokens: 1000, output_tokens: 500 }
const zero = { cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }

export const usages: ReadonlyArray<{ readonly name: string; readonly model: string; readonly usage: ApiUsage }> = [
  { name: "plain", model: "claude-opus-5-5", usage: { ...plain, ...zero } },
  {
    name: "5-minute writes and reads",
    model: "claude-fable-5-1",
    usage: { ...plain, cache_creation_input_tokens: 2000, cache_read_input_tokens: 50_000 }
  },
  {
    name: "both kinds of writes",
    model: "claude-sonnet-5",
    usage: {
      ...plain,
      ...zero,
      cache_creation_input_tokens: 3000,
      cache_creation: { ephemeral_5m_input_tokens: 1000, ephemeral_1h_input_tokens: 2000 }
    }
  },
  { name: "a batch", model: "claude-opus-5-5", usage: { ...plain, ...zero, service_tier: "batch" } },
  { name: "fast mode", model: "claude-opus-5-5", usage: { ...plain, ...zero, speed: "fast" } },
  { name: "in the US", model: "claude-opus-5-5", usage: { ...plain, ...zero, inference_geo: "us" } },
  {
    name: "three web searches",
    model: "claude-opus-5-5",
    usage: { ...plain, ...zero, server_tool_use: { web_search_requests: 3 } }
  },
  { name: "Priority Tier", model: "claude-opus-5-5", usage: { ...plain, ...zero, service_tier: "priority" } },
  { name: "a long prompt", model: "claude-haiku-5-5", usage: { ...plain, ...zero, input_tokens: 100_001 } },
  {
    name: "a compaction",
    model: "claude-opus-5-5",
    usage: { ...plain, ...zero, iterations: [{ type: "compaction", input_tokens: 100_000, output_tokens: 2000 }] }
  },
  {
    name: "an advisor",
    model: "claude-sonnet-5",
    usage: {
      ...plain,
      ...zero,
      iterations: [{ type: "advisor_message", model: "claude-opus-5-5", input_tokens: 1000, output_tokens: 1000 }]
    }
  },
  { name: "another model", model: "claude-opus-9", usage: plain },
  { name: "a model on Bedrock", model: "us.anthropic.claude-opus-5-5", usage: plain }
]
