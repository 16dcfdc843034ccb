#!/usr/bin/env bash
# Guess: without a limit in the program, AI SDK and LangChain ask the same model for about the same number of tokens.
# Seen: for claude-haiku-5-5, AI SDK sends max_tokens 128,000 in a call that does not stream, and LangChain 4,096, since
#   its table lacks the name; for claude-sonnet-5-5 it sends 16,384. A gateway's prefix (anthropic/…) also makes it 4,096.
# Versions: ai 7.0.173, @ai-sdk/anthropic 4.0.105, @langchain/anthropic 1.5.11, @langchain/core 1.4.0, Node 24.
# Source: the run below, on a fetch that answers by itself.
# For users: answers that were complete are cut off after a change of client or model name, and a comparison of costs or
#   lengths compares the limits. State max_tokens.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund --legacy-peer-deps ai@7.0.173 @ai-sdk/anthropic@4.0.105 zod@4.6.7 \
  @langchain/anthropic@1.5.11 @langchain/core@1.4.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { createAnthropic } from "@ai-sdk/anthropic"
import { ChatAnthropic } from "@langchain/anthropic"
import { generateText } from "ai"

let body
const fetch = async (_url, init) => {
  body = JSON.parse(init.body)
  const message = {
    id: "msg_1", type: "message", role: "assistant", model: body.model, stop_reason: "end_turn", stop_sequence: null,
    content: [{ type: "text", text: "Hello." }], usage: { input_tokens: 1, output_tokens: 1 }
  }
  return Response.json(message)
}
globalThis.AI_SDK_LOG_WARNINGS = false

const rows = []
for (const model of ["claude-sonnet-5-5", "anthropic/claude-sonnet-5-5", "claude-haiku-5-5"]) {
  await generateText({ model: createAnthropic({ apiKey: "none", fetch })(model), prompt: "Hello" })
  const aiSdk = body.max_tokens
  await new ChatAnthropic({ model, apiKey: "none", clientOptions: { fetch } }).invoke("Hello")
  rows.push({ model, "AI SDK": aiSdk, LangChain: body.max_tokens })
}
console.table(rows)
assert.deepEqual(rows.map((row) => [row["AI SDK"], row.LangChain]), [[128_000, 16_384], [128_000, 4_096], [128_000, 4_096]])
JS
node run.js
