#!/usr/bin/env bash
# Guess: a z.record in the schema of structured output asks for an object with any keys, whichever client sends it.
# Seen: three clients, three things, none with an error. The Anthropic SDK's zodOutputFormat and LangChain's method
#   "jsonSchema" send an object that allows no keys at all, so the model can only answer {}. AI SDK drops structured output
#   and sends a tool instead; on claude-sonnet-5-5 the model need not even call it (tool_choice "auto").
# Versions: @anthropic-ai/sdk 1.14.0, zod 4.6.7, ai 7.0.173, @ai-sdk/anthropic 4.0.105, @langchain/anthropic 1.5.11,
#   @langchain/core 1.4.0, Node 24.
# Source: the run below, on a fetch that answers by itself.
# For users: use an array of { key, value } in place of a map. effect-claude does this for Schema.Record by itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund --legacy-peer-deps @anthropic-ai/sdk@1.14.0 zod@4.6.7 ai@7.0.173 \
  @ai-sdk/anthropic@4.0.105 @langchain/anthropic@1.5.11 @langchain/core@1.4.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { createAnthropic } from "@ai-sdk/anthropic"
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod"
import { ChatAnthropic } from "@langchain/anthropic"
import { generateText, Output } from "ai"
import { z } from "zod"

const schema = z.object({ counts: z.record(z.string(), z.number()) })
const model = "claude-sonnet-5-5"

let body
const fetch = async (_url, init) => {
  body = JSON.parse(init.body)
  const message = {
    id: "msg_1", type: "message", role: "assistant", model, stop_reason: "end_turn", stop_sequence: null,
    content: [{ type: "text", text: '{"counts":{"a":1}}' }], usage: { input_tokens: 1, output_tokens: 1 }
  }
  return Response.json(message)
}

const sdk = zodOutputFormat(schema).schema.properties.counts
await new ChatAnthropic({ model, apiKey: "none", clientOptions: { fetch } })
  .withStructuredOutput(schema, { method: "jsonSchema" }).invoke("Count.")
const langchain = body.output_config.format.schema.properties.counts
globalThis.AI_SDK_LOG_WARNINGS = false
await generateText({ model: createAnthropic({ apiKey: "none", fetch })(model), prompt: "Count.", output: Output.object({ schema }) })
const aiSdk = { format: body.output_config?.format, tool: body.tools?.[0]?.name, choice: body.tool_choice?.type }

console.log({ sdk, langchain, aiSdk })
for (const sent of [sdk, langchain]) {
  assert.deepEqual([sent.type, sent.properties, sent.additionalProperties], ["object", {}, false])
}
assert.deepEqual(aiSdk, { format: undefined, tool: "json", choice: "auto" })
JS
node run.js
