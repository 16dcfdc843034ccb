#!/usr/bin/env bash
# Guess: a JSON Schema with allOf, as generators write it for a type that extends another, asks the model for the
#   properties of all its parts.
# Seen: the Anthropic SDK, AI SDK and LangChain set `additionalProperties: false`, which the API wants, in each part. Each
#   part then forbids the properties of the others, and no value fits what they send. Nothing says so.
# Versions: @anthropic-ai/sdk 1.14.0, ai 7.0.173, @ai-sdk/anthropic 4.0.105, @langchain/anthropic 1.5.11, @langchain/core
#   1.4.0, ajv 8.17.1, Node 24.21.0.
# Source: the run below, on a fetch that answers by itself; ajv judges the schemas that were sent, no real API was asked.
# For users: merge the parts into one object before you ask for structured output. zod's `.and` does that by itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund --legacy-peer-deps node@24.21.0 @anthropic-ai/sdk@1.14.0 ai@7.0.173 \
  @ai-sdk/anthropic@4.0.105 @langchain/anthropic@1.5.11 @langchain/core@1.4.0 zod@4.6.7 ajv@8.17.1
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import Anthropic from "@anthropic-ai/sdk"
import { jsonSchemaOutputFormat } from "@anthropic-ai/sdk/helpers/json-schema"
import { createAnthropic } from "@ai-sdk/anthropic"
import { ChatAnthropic } from "@langchain/anthropic"
import { generateText, jsonSchema, Output } from "ai"
import { Ajv } from "ajv"

const part = (name) => ({ type: "object", properties: { [name]: { type: "string" } }, required: [name] })
const schema = { type: "object", properties: { person: { allOf: [part("name"), part("email")] } }, required: ["person"] }
const values = {
  both: { person: { name: "Ada", email: "ada@example.com" } },
  name: { person: { name: "Ada" } },
  email: { person: { email: "ada@example.com" } },
  none: { person: {} }
}

let sent
const fetch = async (_url, init) => {
  const { model, output_config } = JSON.parse(init.body)
  sent = output_config.format.schema
  return Response.json({
    id: "msg_1", type: "message", role: "assistant", model, stop_reason: "end_turn", stop_sequence: null,
    content: [{ type: "text", text: JSON.stringify(values.both) }], usage: { input_tokens: 1, output_tokens: 1 }
  })
}
globalThis.AI_SDK_LOG_WARNINGS = false
const model = "claude-opus-5"
const messages = [{ role: "user", content: "Hello" }]
const clients = {
  "the schema itself": async () => { sent = schema },
  SDK: () =>
    new Anthropic({ apiKey: "none", fetch })
      .messages.create({ model, max_tokens: 10, messages, output_config: { format: jsonSchemaOutputFormat(schema) } }),
  "AI SDK": () =>
    generateText({ model: createAnthropic({ apiKey: "none", fetch })(model), messages, output: Output.object({ schema: jsonSchema(schema) }) }),
  LangChain: () =>
    new ChatAnthropic({ model, apiKey: "none", clientOptions: { fetch } })
      .withStructuredOutput(schema, { method: "jsonSchema" }).invoke("Hello")
}
const seen = {}
for (const [client, run] of Object.entries(clients)) {
  await run()
  const fits = new Ajv().compile(sent)
  seen[client] = Object.keys(values).filter((name) => fits(values[name]))
}
console.dir(sent, { depth: null })
console.log("values that fit:", seen)
assert.deepEqual(seen, { "the schema itself": ["both"], SDK: [], "AI SDK": [], LangChain: [] })
JS
node_modules/.bin/node run.js
