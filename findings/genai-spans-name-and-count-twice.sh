#!/usr/bin/env bash
# Guess: gen_ai.usage.* of all spans of a trace add up to what was billed, and a name of an attribute means one thing in
#   all libraries.
# Seen: AI SDK writes the usage into the span of each call (chat) and again, summed, into the span around them
#   (invoke_agent), also where there is one call and no agent: a sum over spans is twice the bill. The span of the
#   Anthropic SDK's toolRunner has no usage. Tokens written to the cache are gen_ai.usage.cache_write.input_tokens in the
#   Anthropic SDK, as in the newer conventions, and gen_ai.usage.cache_creation.input_tokens in AI SDK, as in the older
#   ones.
# Versions: @anthropic-ai/sdk 1.14.0, ai 7.0.173, @ai-sdk/anthropic 4.0.105, @ai-sdk/otel 1.0.173,
#   @opentelemetry/sdk-trace-node 2.12.1, Node 24.21.0.
# Source: the run below, on a fetch that answers by itself; github.com/open-telemetry/semantic-conventions-genai.
# For users: sum the spans with gen_ai.operation.name = "chat" only, and add both names of cache writes. effect-claude has
#   one chat span a call, and the newer name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund --legacy-peer-deps node@24.21.0 @anthropic-ai/sdk@1.14.0 ai@7.0.173 \
  @ai-sdk/anthropic@4.0.105 @ai-sdk/otel@1.0.173 zod@4.6.7 @opentelemetry/api@1.10.0 @opentelemetry/sdk-trace-base@2.12.1 \
  @opentelemetry/sdk-trace-node@2.12.1
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import Anthropic from "@anthropic-ai/sdk"
import { createAnthropic } from "@ai-sdk/anthropic"
import { OpenTelemetry } from "@ai-sdk/otel"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node"
import { generateText, registerTelemetry } from "ai"

const exporter = new InMemorySpanExporter()
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
registerTelemetry(new OpenTelemetry())
globalThis.AI_SDK_LOG_WARNINGS = false

/** Each answer is billed 10 + 1,000 (read) + 100 (written) input tokens. */
const fetch = async (_url, init) =>
  Response.json({
    id: "msg_1", type: "message", role: "assistant", model: JSON.parse(init.body).model, stop_reason: "end_turn",
    stop_sequence: null, content: [{ type: "text", text: "Hello." }],
    usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 1000, cache_creation_input_tokens: 100 }
  })
const model = "claude-opus-5"
const sdk = new Anthropic({ apiKey: "none", fetch })
const params = { model, max_tokens: 10, messages: [{ role: "user", content: "Hello" }] }

/** The usage in each span that a call leaves. */
const usages = async (call) => {
  exporter.reset()
  await call()
  return exporter.getFinishedSpans().map(({ attributes }) => {
    const prefix = "gen_ai.usage."
    const usage = Object.entries(attributes).filter(([key]) => key.startsWith(prefix) && key.includes("input"))
    return [
      attributes["gen_ai.operation.name"],
      Object.fromEntries(usage.map(([key, value]) => [key.slice(prefix.length), value]))
    ]
  })
}
const seen = {
  SDK: await usages(() => sdk.messages.create(params)),
  toolRunner: await usages(() => sdk.beta.messages.toolRunner({ ...params, tools: [], thread: false }).runUntilDone()),
  "AI SDK": await usages(() => generateText({ model: createAnthropic({ apiKey: "none", fetch })(model), prompt: "Hello" }))
}
console.dir(seen, { depth: null })
const sdkUsage = { input_tokens: 1110, "cache_read.input_tokens": 1000, "cache_write.input_tokens": 100 }
const aiUsage = { input_tokens: 1110, "cache_read.input_tokens": 1000, "cache_creation.input_tokens": 100 }
assert.deepEqual(seen, {
  SDK: [["chat", sdkUsage]],
  toolRunner: [["chat", sdkUsage], ["invoke_agent", {}]],
  "AI SDK": [["chat", aiUsage], ["agent_step", {}], ["invoke_agent", aiUsage]]
})
JS
node_modules/.bin/node run.js
