#!/usr/bin/env bash
# Guess: zodOutputFormat of the Anthropic SDK asks the model for what it then parses with the same schema.
# Seen: it sends the JSON Schema of zod's output side and parses the input side. For z.stringbool() it asks for a boolean
#   and refuses every boolean ("expected string"); likewise where a pipe coerces a text. betaZodTool sends the output
#   side, too. AI SDK and LangChain send the input side, and the same schemas work.
# Versions: @anthropic-ai/sdk 1.14.0, zod 4.6.7, ai 7.0.173, @ai-sdk/anthropic 4.0.105, @langchain/anthropic 1.5.11,
#   @langchain/core 1.4.0, Node 24.21.0.
# Source: the run below, on a fetch that answers what the schema asks for.
# For users: every paid answer fails. In structured output and in tools of the SDK, use schemas whose two sides have the
#   same type, and convert afterwards; z.coerce alone works.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund --legacy-peer-deps node@24.21.0 @anthropic-ai/sdk@1.14.0 zod@4.6.7 ai@7.0.173 \
  @ai-sdk/anthropic@4.0.105 @langchain/anthropic@1.5.11 @langchain/core@1.4.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import Anthropic from "@anthropic-ai/sdk"
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod"
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod"
import { createAnthropic } from "@ai-sdk/anthropic"
import { ChatAnthropic } from "@langchain/anthropic"
import { generateText, Output } from "ai"
import { z } from "zod"

let asked
const answers = { boolean: true, number: 12, string: "1" }
const fetch = async (_url, init) => {
  const { model, output_config } = JSON.parse(init.body)
  asked = output_config.format.schema.properties.value.type
  return Response.json({
    id: "msg_1", type: "message", role: "assistant", model, stop_reason: "end_turn", stop_sequence: null,
    content: [{ type: "text", text: JSON.stringify({ value: answers[asked] }) }], usage: { input_tokens: 1, output_tokens: 1 }
  })
}
globalThis.AI_SDK_LOG_WARNINGS = false
const model = "claude-opus-5"
const options = { apiKey: "none", maxRetries: 0 }
const sdk = new Anthropic({ ...options, fetch })
const langChain = new ChatAnthropic({ ...options, model, clientOptions: { fetch } })

const rows = []
const schemas = {
  "z.stringbool()": z.stringbool(),
  "z.string().pipe(z.coerce.number())": z.string().pipe(z.coerce.number()),
  "z.coerce.number()": z.coerce.number()
}
for (const [name, value] of Object.entries(schemas)) {
  const schema = z.object({ value })
  const format = zodOutputFormat(schema)
  const request = { model, max_tokens: 10, messages: [{ role: "user", content: "Hello" }], output_config: { format } }
  const clients = {
    SDK: () => sdk.messages.parse(request).then((message) => message.parsed_output),
    "AI SDK": () =>
      generateText({ model: createAnthropic({ apiKey: "none", fetch })(model), prompt: "Hello", output: Output.object({ schema }) })
        .then((result) => result.output),
    LangChain: () => langChain.withStructuredOutput(schema, { method: "jsonSchema" }).invoke("Hello")
  }
  const row = { schema: name, "SDK's tool": betaZodTool({ name: "t", description: "", inputSchema: schema, run: () => "" })
    .input_schema.properties.value.type }
  for (const [client, run] of Object.entries(clients)) {
    const got = await run().then((object) => object.value, (error) => error.message.match(/Invalid input: [^"]*/)?.[0])
    row[client] = `${asked}: ${got}`
  }
  rows.push(row)
}
console.table(rows)
assert.deepEqual(rows.map((row) => [row.SDK, row["AI SDK"], row.LangChain, row["SDK's tool"]]), [
  ["boolean: Invalid input: expected string, received boolean", "string: true", "string: true", "boolean"],
  ["number: Invalid input: expected string, received number", "string: 1", "string: 1", "number"],
  ["number: 12", "number: 12", "number: 12", "number"]
])
JS
node_modules/.bin/node run.js
