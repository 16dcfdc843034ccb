#!/usr/bin/env bash
# Guess: a streamed answer has the usage that was billed, as the same answer without streaming.
# Seen: the API sends the final, cumulative counts in message_delta. LangChain adds its output tokens to those of
#   message_start, and ignores its input tokens. With a search of the web, whose results are input of the same call, most
#   of the bill is missing. The Anthropic SDK and AI SDK take the final counts.
# Versions: @langchain/anthropic 1.5.11, @langchain/core 1.4.0, @anthropic-ai/sdk 1.14.0, ai 7.0.173, @ai-sdk/anthropic
#   4.0.105, Node 24.21.0.
# Source: the run below, on a fetch that answers by itself; "Streaming messages" in the documentation of the API.
# For users: costs of streamed calls with server tools are far too low, and output tokens a little too high. Count such
#   calls without streaming, or with the usage of the last event.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund --legacy-peer-deps node@24.21.0 @anthropic-ai/sdk@1.14.0 ai@7.0.173 \
  @ai-sdk/anthropic@4.0.105 @langchain/anthropic@1.5.11 @langchain/core@1.4.0 zod@4.6.7
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import Anthropic from "@anthropic-ai/sdk"
import { createAnthropic } from "@ai-sdk/anthropic"
import { ChatAnthropic } from "@langchain/anthropic"
import { generateText, streamText } from "ai"

const model = "claude-opus-5"
const id = "srvtoolu_1"
const result = { type: "web_search_result", title: "A page", url: "https://example.com", encrypted_content: "e", page_age: null }
const content = [
  { type: "server_tool_use", id, name: "web_search", input: { query: "news" } },
  { type: "web_search_tool_result", tool_use_id: id, content: [result] },
  { type: "text", text: "Hello." }
]
const first = { input_tokens: 2000, output_tokens: 3, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 }
const final = { ...first, input_tokens: 11_000, output_tokens: 400, server_tool_use: { web_search_requests: 1, web_fetch_requests: 0 } }
const message = { id: "msg_1", type: "message", role: "assistant", model, stop_reason: "end_turn", stop_sequence: null, content }
const events = [
  { type: "message_start", message: { ...message, content: [], stop_reason: null, usage: first } },
  { type: "content_block_start", index: 0, content_block: { ...content[0], input: {} } },
  { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: JSON.stringify(content[0].input) } },
  { type: "content_block_stop", index: 0 },
  { type: "content_block_start", index: 1, content_block: content[1] },
  { type: "content_block_stop", index: 1 },
  { type: "content_block_start", index: 2, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 2, delta: { type: "text_delta", text: "Hello." } },
  { type: "content_block_stop", index: 2 },
  { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: final },
  { type: "message_stop" }
]
const fetch = async (_url, init) =>
  JSON.parse(init.body).stream
    ? new Response(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(""), {
        headers: { "content-type": "text/event-stream" }
      })
    : Response.json({ ...message, usage: final })

globalThis.AI_SDK_LOG_WARNINGS = false
const params = { model, max_tokens: 1000, messages: [{ role: "user", content: "Hello" }] }
const sdk = new Anthropic({ apiKey: "none", fetch })
const ai = { model: createAnthropic({ apiKey: "none", fetch })(model), prompt: "Hello" }
const langChain = new ChatAnthropic({ model, apiKey: "none", clientOptions: { fetch } })
const counts = (usage) => `${usage.input_tokens ?? usage.inputTokens} in, ${usage.output_tokens ?? usage.outputTokens} out`
const concatenated = async (chunks) => {
  let whole
  for await (const chunk of chunks) whole = whole === undefined ? chunk : whole.concat(chunk)
  return whole
}
const rows = [
  ["SDK", (await sdk.messages.create(params)).usage, (await sdk.messages.stream(params).finalMessage()).usage],
  ["AI SDK", (await generateText(ai)).usage, await streamText(ai).usage],
  ["LangChain", (await langChain.invoke("Hello")).usage_metadata, (await concatenated(await langChain.stream("Hello"))).usage_metadata]
].map(([client, whole, streamed]) => ({ client, whole: counts(whole), streamed: counts(streamed) }))
console.table(rows)
const billed = "11000 in, 400 out"
assert.deepEqual(rows, [
  { client: "SDK", whole: billed, streamed: billed },
  { client: "AI SDK", whole: billed, streamed: billed },
  { client: "LangChain", whole: billed, streamed: "2000 in, 403 out" }
])
JS
node_modules/.bin/node run.js
