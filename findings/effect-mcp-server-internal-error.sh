#!/usr/bin/env bash
# Guess: McpServer serves a tool whose success or parameters hold a date: it lists their JSON Schema, in which a date is a
#   string.
# Seen: it lists the JSON codec of the schemas, and does not use it. A result with a Date or an Option fails as "Internal
#   error" (-32603), in each call and without a log, after the handler has run. A parameter of type Date refuses the
#   string that the listed schema asks for. The same schemas through Schema.toCodecJson work.
# Versions: effect 4.1.0, @effect/platform-node 4.1.0, @modelcontextprotocol/sdk 1.32.0, Node 24.21.0.
# Source: the run below, in which a client of the MCP SDK calls a server over stdio.
# For users: wrap the parameters and the success of a tool for McpServer with Schema.toCodecJson where they hold anything
#   but plain JSON (Date, DateTime, Option, Map, BigInt).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund node@24.21.0 effect@4.1.0 @effect/platform-node@4.1.0 redis@6.3.1 \
  @modelcontextprotocol/sdk@1.32.0
npm ls --prefix . --depth=0
cat > server.js <<'JS'
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import { Effect, Layer, Option, References, Schema } from "effect"
import { McpProtocol, McpServer, Tool, Toolkit } from "effect/ai"

const due = Schema.Struct({ due: Schema.Date })
const owner = Schema.Struct({ owner: Schema.Option(Schema.String) })
const noted = Schema.Struct({ noted: Schema.String })
const toolkit = Toolkit.make(
  Tool.make("date", { success: due }),
  Tool.make("option", { success: owner }),
  Tool.make("argument", { parameters: due, success: noted }),
  Tool.make("date_codec", { success: Schema.toCodecJson(due) }),
  Tool.make("option_codec", { success: Schema.toCodecJson(owner) }),
  Tool.make("argument_codec", { parameters: Schema.toCodecJson(due), success: noted })
)
const date = () => Effect.logError("the handler of date has run").pipe(Effect.as({ due: new Date(0) }))
const option = () => Effect.succeed({ owner: Option.some("Ada") })
const argument = ({ due }) => Effect.succeed({ noted: due.toISOString() })
const handlers = toolkit.toLayer({ date, option, argument, date_codec: date, option_codec: option, argument_codec: argument })
McpServer.toolkit(toolkit).pipe(
  Layer.provide(handlers),
  Layer.provide(McpServer.layerStdio({ name: "server", version: "1", protocols: [McpProtocol.v2025_11_25] })),
  Layer.provide(NodeStdio.layer),
  Layer.launch,
  Effect.provideService(References.LogToStderr, true),
  Effect.provideService(References.MinimumLogLevel, "All"),
  NodeRuntime.runMain
)
JS
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"

const client = new Client({ name: "client", version: "1" })
await client.connect(new StdioClientTransport({ command: process.execPath, args: ["server.js"] }))
const { tools } = await client.listTools()
const seen = {}
for (const { name } of tools) {
  const call = client.callTool({ name, arguments: name.startsWith("argument") ? { due: "2026-01-02T00:00:00.000Z" } : {} })
  const answer = await call.then(
    ({ content, isError }) => [isError ? "error" : "result", content[0].text.split("\n")[0]],
    (error) => ["thrown", error.message]
  )
  seen[name] = answer.join(": ")
}
console.log(tools.find(({ name }) => name === "date").outputSchema.properties, seen)
assert.deepEqual(tools.find(({ name }) => name === "date").outputSchema.properties, { due: { type: "string" } })
assert.deepEqual(tools.find(({ name }) => name === "argument").inputSchema.properties, { due: { type: "string" } })
assert.deepEqual(seen, {
  date: "thrown: MCP error -32603: Internal error",
  option: "thrown: MCP error -32603: Internal error",
  argument: "error: Invalid parameters for tool 'argument': Expected a valid Date",
  date_codec: 'result: {"due":"1970-01-01T00:00:00.000Z"}',
  option_codec: 'result: {"owner":{"_tag":"Some","value":"Ada"}}',
  argument_codec: 'result: {"noted":"2026-01-02T00:00:00.000Z"}'
})
process.exit()
JS
node_modules/.bin/node run.js
