#!/usr/bin/env bash
# Guess: the result of an MCP tool reaches Claude alike, whichever client carries it.
# Seen: each client loses something. AI SDK and LangChain send an empty result for a tool that answers with
#   structuredContent alone, which the specification allows. AI SDK sends an `isError` result without is_error, so a
#   failure looks like an answer; LangChain throws it. A link beside a text makes the SDK's mcpTools send an error in
#   place of both; LangChain sends it twice, as documents that the API is to fetch. LangChain keeps embedded resources
#   from the model. AI SDK sends a PDF as base64 text.
# Versions: @anthropic-ai/sdk 1.14.0, ai 7.0.173, @ai-sdk/anthropic 4.0.105, @ai-sdk/mcp 2.0.99, @langchain/anthropic
#   1.5.11, @langchain/core 1.4.0, @langchain/mcp-adapters 1.1.4, @modelcontextprotocol/sdk 1.32.0, Node 24.21.0.
# Source: the run below; modelcontextprotocol.io/specification/2025-11-25/server/tools ("Tool Result").
# For users: a server of your own should repeat structuredContent as a text. With AI SDK, say in the text that the call
#   failed. effect-claude's Mcp sends structured content, text and images, and marks errors.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund --legacy-peer-deps node@24.21.0 @anthropic-ai/sdk@1.14.0 ai@7.0.173 \
  @ai-sdk/anthropic@4.0.105 @ai-sdk/mcp@2.0.99 @langchain/anthropic@1.5.11 @langchain/core@1.4.0 @langchain/langgraph@1.7.3 \
  @langchain/mcp-adapters@1.1.4 @modelcontextprotocol/sdk@1.32.0 zod@4.6.7
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import Anthropic from "@anthropic-ai/sdk"
import { mcpTools } from "@anthropic-ai/sdk/helpers/beta/mcp"
import { createAnthropic } from "@ai-sdk/anthropic"
import { createMCPClient } from "@ai-sdk/mcp"
import { ChatAnthropic } from "@langchain/anthropic"
import { AIMessage, HumanMessage } from "@langchain/core/messages"
import { loadMcpTools } from "@langchain/mcp-adapters"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js"
import { Server } from "@modelcontextprotocol/sdk/server/index.js"
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js"
import { generateText } from "ai"

const hello = { type: "text", text: "hello" }
const results = {
  structured: { content: [], structuredContent: { total: 5 } },
  failed: { content: [{ type: "text", text: "no such file" }], isError: true },
  link: { content: [hello, { type: "resource_link", uri: "file:///a.txt", name: "a.txt" }] },
  resource: { content: [{ type: "resource", resource: { uri: "file:///a.csv", mimeType: "text/csv", text: "a,b" } }] },
  pdf: { content: [{ type: "resource", resource: { uri: "file:///a.pdf", mimeType: "application/pdf", blob: "JVBERi0=" } }] }
}
const names = Object.keys(results)
const serve = async () => {
  const server = new Server({ name: "server", version: "1" }, { capabilities: { tools: {} } })
  const inputSchema = { type: "object", properties: {} }
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: names.map((name) => ({ name, inputSchema })) }))
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => results[params.name])
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  await server.connect(ours)
  return theirs
}

/** An API whose first answer calls a tool; `sent` is the result that comes back. */
let tool, sent
const fetch = async (_url, init) => {
  const { messages, model } = JSON.parse(init.body)
  const block = messages.at(-1).content
  sent = Array.isArray(block) ? block.find(({ type }) => type === "tool_result") : undefined
  const content = sent === undefined ? [{ type: "tool_use", id: "toolu_1", name: tool, input: {} }] : [{ type: "text", text: "Done." }]
  return Response.json({
    id: "msg_1", type: "message", role: "assistant", model, stop_reason: sent === undefined ? "tool_use" : "end_turn",
    stop_sequence: null, content, usage: { input_tokens: 1, output_tokens: 1 }
  })
}
globalThis.AI_SDK_LOG_WARNINGS = false
const model = "claude-opus-5"
const client = new Client({ name: "client", version: "1" })
await client.connect(await serve())
const sdkTools = mcpTools((await client.listTools()).tools, client)
const aiTools = await (await createMCPClient({ transport: await serve() })).tools()
const langChainTools = await loadMcpTools("server", client)
const sdk = new Anthropic({ apiKey: "none", fetch })
const langChain = new ChatAnthropic({ model, apiKey: "none", maxRetries: 0, clientOptions: { fetch } })

const clients = {
  SDK: () =>
    sdk.beta.messages.toolRunner({
      model, max_tokens: 10, messages: [{ role: "user", content: "Hello" }], tools: sdkTools, thread: false
    }).runUntilDone(),
  "AI SDK": () =>
    generateText({
      model: createAnthropic({ apiKey: "none", fetch })(model), prompt: "Hello", tools: aiTools,
      stopWhen: ({ steps }) => steps.length > 1
    }),
  LangChain: async () => {
    const call = { type: "tool_call", id: "toolu_1", name: tool, args: {} }
    const result = await langChainTools.find(({ name }) => name === tool).invoke(call)
    return langChain.invoke([new HumanMessage("Hello"), new AIMessage({ content: "", tool_calls: [call] }), result])
  }
}
const seen = {}
for (tool of names) {
  seen[tool] = {}
  for (const [name, run] of Object.entries(clients)) {
    sent = undefined
    const thrown = await run().then(() => undefined, (error) => error.message)
    seen[tool][name] = thrown === undefined ? { ...(sent.is_error && { error: true }), content: sent.content } : thrown
  }
}
console.dir(seen, { depth: null })

const asText = (value) => ({ type: "text", text: JSON.stringify(value) })
const link = { type: "document", source: { type: "url", url: "file:///a.txt" } }
const [resource] = results.resource.content
const [pdf] = results.pdf.content
assert.deepEqual(seen, {
  structured: { SDK: { content: '{"total":5}' }, "AI SDK": { content: [] }, LangChain: { content: [] } },
  failed: {
    SDK: { error: true, content: results.failed.content },
    "AI SDK": { content: results.failed.content },
    LangChain: "MCP tool 'failed' on server 'server' returned an error: no such file"
  },
  link: {
    SDK: { error: true, content: "Error: Unsupported MCP content type: resource_link" },
    "AI SDK": { content: [hello, asText(results.link.content[1])] },
    LangChain: { content: [hello, link, link] }
  },
  resource: {
    SDK: { content: [{ type: "document", source: { type: "text", data: "a,b", media_type: "text/plain" } }] },
    "AI SDK": { content: [asText(resource)] },
    LangChain: { content: [] }
  },
  pdf: {
    SDK: { content: [{ type: "document", source: { type: "base64", data: "JVBERi0=", media_type: "application/pdf" } }] },
    "AI SDK": { content: [asText(pdf)] },
    LangChain: { content: [] }
  }
})
JS
node_modules/.bin/node run.js
