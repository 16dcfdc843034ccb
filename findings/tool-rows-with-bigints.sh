#!/usr/bin/env bash
# Guess: a tool that returns a row of a database gives the model that row, or a result that is marked as an error. Counts
#   and 64-bit columns of rows are BigInts in @effect/sql-pg, hyparquet and node:sqlite with readBigInts.
# Seen: LangChain sends the text "[object Object]" as a success. With the toolRunner of the Anthropic SDK and with AI SDK
#   the whole loop throws "Do not know how to serialize a BigInt", after the tool has run and the call was paid; they
#   return other failures of a tool to the model.
# Versions: @anthropic-ai/sdk 1.14.0, ai 7.0.173, @ai-sdk/anthropic 4.0.105, @langchain/anthropic 1.5.11, @langchain/core
#   1.4.0, hyparquet 1.33.0, hyparquet-writer 0.17.0, zod 4.6.7, Node 24.21.0.
# Source: the run below, on a fetch that answers by itself. Types of the SDK ask for a text or blocks; the others take any
#   value.
# For users: turn rows into text in the tool, with BigInts as numbers or strings: JSON.stringify(row, (_, value) => typeof
#   value === "bigint" ? String(value) : value).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund --legacy-peer-deps node@24.21.0 @anthropic-ai/sdk@1.14.0 ai@7.0.173 \
  @ai-sdk/anthropic@4.0.105 @langchain/anthropic@1.5.11 @langchain/core@1.4.0 hyparquet@1.33.0 hyparquet-writer@0.17.0 zod@4.6.7
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import Anthropic from "@anthropic-ai/sdk"
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod"
import { createAnthropic } from "@ai-sdk/anthropic"
import { ChatAnthropic } from "@langchain/anthropic"
import { AIMessage, HumanMessage } from "@langchain/core/messages"
import { tool as langChainTool } from "@langchain/core/tools"
import { generateText, tool } from "ai"
import { parquetReadObjects } from "hyparquet"
import { parquetWriteBuffer } from "hyparquet-writer"
import { z } from "zod"

const [row] = await parquetReadObjects({ file: parquetWriteBuffer({ columnData: [{ name: "views", data: [5n] }] }) })

/** An API whose first answer calls the tool; `sent` is the result that comes back. */
let sent
const fetch = async (_url, init) => {
  const { messages, model } = JSON.parse(init.body)
  const blocks = messages.at(-1).content
  sent = Array.isArray(blocks) ? blocks.find(({ type }) => type === "tool_result") : undefined
  const content = sent === undefined ? [{ type: "tool_use", id: "toolu_1", name: "row", input: {} }] : [{ type: "text", text: "Done." }]
  return Response.json({
    id: "msg_1", type: "message", role: "assistant", model, stop_reason: sent === undefined ? "tool_use" : "end_turn",
    stop_sequence: null, content, usage: { input_tokens: 1, output_tokens: 1 }
  })
}
globalThis.AI_SDK_LOG_WARNINGS = false
const model = "claude-opus-5"
const inputSchema = z.object({})

/** What a tool that does this leads to, with each client. */
const clients = (run) => ({
  SDK: () =>
    new Anthropic({ apiKey: "none", fetch, maxRetries: 0 }).beta.messages.toolRunner({
      model, max_tokens: 10, messages: [{ role: "user", content: "Hello" }], thread: false,
      tools: [betaZodTool({ name: "row", description: "", inputSchema, run })]
    }).runUntilDone(),
  "AI SDK": () =>
    generateText({
      model: createAnthropic({ apiKey: "none", fetch })(model), prompt: "Hello", maxRetries: 0,
      tools: { row: tool({ inputSchema, execute: run }) }, stopWhen: ({ steps }) => steps.length > 1
    }),
  LangChain: async () => {
    const call = { type: "tool_call", id: "toolu_1", name: "row", args: {} }
    const result = await langChainTool(run, { name: "row", schema: inputSchema }).invoke(call)
    const messages = [new HumanMessage("Hello"), new AIMessage({ content: "", tool_calls: [call] }), result]
    return new ChatAnthropic({ model, apiKey: "none", maxRetries: 0, clientOptions: { fetch } }).invoke(messages)
  }
})
const outcomes = async (run) => {
  const seen = {}
  for (const [name, start] of Object.entries(clients(run))) {
    sent = undefined
    const thrown = await start().then(() => undefined, (error) => error.message)
    seen[name] = thrown === undefined ? `${sent.is_error ? "error" : "success"}: ${sent.content}` : `throws: ${thrown}`
  }
  return seen
}
const seen = {
  row: await outcomes(async () => row),
  "row as text": await outcomes(async () => JSON.stringify(row, (_, value) => (typeof value === "bigint" ? String(value) : value)))
}
console.log(row, seen)
assert.deepEqual(row, { views: 5n })
assert.deepEqual(seen, {
  row: {
    SDK: "throws: Do not know how to serialize a BigInt",
    "AI SDK": "throws: Do not know how to serialize a BigInt",
    LangChain: "success: [object Object]"
  },
  "row as text": {
    SDK: 'success: {"views":"5"}', "AI SDK": 'success: {"views":"5"}', LangChain: 'success: {"views":"5"}'
  }
})
JS
node_modules/.bin/node run.js
