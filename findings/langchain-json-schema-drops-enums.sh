#!/usr/bin/env bash
# Guess: z.enum in structured output lets the model answer only with one of its words, whichever client sends it.
# Seen: LangChain's method "jsonSchema" sends `type: "string"` and moves the words into the description, also for a JSON
#   Schema of your own; z.literal, and with it the tag of a discriminated union, likewise. So nothing holds the model to
#   the words, and an answer with another one fails when it is parsed. The Anthropic SDK and AI SDK send the enum.
#   LangChain translates with the Anthropic SDK 0.122 that it brings, also where the program has 1.14.
# Versions: @langchain/anthropic 1.5.11, @langchain/core 1.4.0, @anthropic-ai/sdk 1.14.0 and 0.122.0 (of LangChain), ai
#   7.0.173, @ai-sdk/anthropic 4.0.105, zod 4.6.7, Node 24.21.0.
# Source: the run below, on a fetch that answers by itself.
# For users: classifiers get labels that are not in the list, or fail. Repeat the words in the prompt and ask again on
#   failure, or use the method "functionCalling", which sends the enum (not enforced either, but the model sees it as
#   one).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund --legacy-peer-deps node@24.21.0 @anthropic-ai/sdk@1.14.0 zod@4.6.7 ai@7.0.173 \
  @ai-sdk/anthropic@4.0.105 @langchain/anthropic@1.5.11 @langchain/core@1.4.0
npm ls --prefix . @anthropic-ai/sdk
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import Anthropic from "@anthropic-ai/sdk"
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod"
import { createAnthropic } from "@ai-sdk/anthropic"
import { ChatAnthropic } from "@langchain/anthropic"
import { generateText, Output } from "ai"
import { z } from "zod"

let body
const fetch = async (_url, init) => {
  body = JSON.parse(init.body)
  return Response.json({
    id: "msg_1", type: "message", role: "assistant", model: body.model, stop_reason: "end_turn", stop_sequence: null,
    content: [{ type: "text", text: '{"label":"spam","kind":"mail"}' }], usage: { input_tokens: 1, output_tokens: 1 }
  })
}
globalThis.AI_SDK_LOG_WARNINGS = false
const model = "claude-opus-5"
const schema = z.object({ label: z.enum(["spam", "ham"]), kind: z.literal("mail") })
const messages = [{ role: "user", content: "Hello" }]
const langChain = new ChatAnthropic({ model, apiKey: "none", clientOptions: { fetch } })
const method = "jsonSchema"
const clients = {
  SDK: () =>
    new Anthropic({ apiKey: "none", fetch })
      .messages.create({ model, max_tokens: 10, messages, output_config: { format: zodOutputFormat(schema) } }),
  "AI SDK": () => generateText({ model: createAnthropic({ apiKey: "none", fetch })(model), messages, output: Output.object({ schema }) }),
  LangChain: () => langChain.withStructuredOutput(schema, { method }).invoke("Hello"),
  "LangChain, JSON Schema": () => langChain.withStructuredOutput(z.toJSONSchema(schema), { method }).invoke("Hello")
}
const seen = {}
for (const [name, run] of Object.entries(clients)) {
  await run()
  seen[name] = body.output_config.format.schema.properties
}
console.dir(seen, { depth: null })
const dropped = {
  label: { type: "string", description: '{enum: ["spam","ham"]}' },
  kind: { type: "string", description: '{const: "mail"}' }
}
assert.deepEqual(seen, {
  SDK: { label: { enum: ["spam", "ham"] }, kind: { const: "mail" } },
  "AI SDK": { label: { type: "string", enum: ["spam", "ham"] }, kind: { type: "string", const: "mail" } },
  LangChain: dropped,
  "LangChain, JSON Schema": dropped
})
JS
node_modules/.bin/node run.js
