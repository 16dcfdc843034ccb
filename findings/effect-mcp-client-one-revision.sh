#!/usr/bin/env bash
# Guess: a client of MCP that offers revision 2025-11-25 also talks to an older server. The specification has the server
#   answer `initialize` with a revision that it does speak, and Effect brings the codecs of 2024-11-05 to 2025-06-18.
# Seen: McpClient accepts only the revision that it offered. A server of early 2025 answers 2024-11-05, and the connection
#   fails with "Server does not support the explicitly selected protocol version". The types allow the two newest
#   revisions only, but McpProtocol.v2024_11_05 works when it is passed.
# Versions: effect 4.1.0, @effect/platform-node 4.1.0, @modelcontextprotocol/server-memory 2025.4.25, Node 24.21.0.
# Source: the run below; modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle ("Version Negotiation").
# For users: a server that is pinned to an old version looks broken. Connect again with the revision that it answered,
#   which the error does not state. effect-claude's Mcp does that.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund node@24.21.0 effect@4.1.0 @effect/platform-node@4.1.0 redis@6.3.1 \
  @modelcontextprotocol/server-memory@2025.4.25
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { McpClient, McpProtocol } from "effect/ai"
import { ChildProcess } from "effect/process"

const command = ChildProcess.make("node_modules/.bin/node", ["node_modules/@modelcontextprotocol/server-memory/dist/index.js"])

/** The number of tools that a client of one revision sees, or why it does not connect. */
const connect = (protocol) =>
  Effect.gen(function* () {
    const client = yield* McpClient.McpClient
    return (yield* client.listTools()).length
  }).pipe(
    Effect.provide(McpClient.layerStdio({ name: "finding", version: "1", command, protocol })),
    Effect.catchTag("McpClientError", (error) => Effect.succeed(error.message)),
    Effect.provide(NodeServices.layer),
    Effect.runPromise
  )

const seen = {
  "2025-11-25": await connect(McpProtocol.v2025_11_25),
  "2024-11-05": await connect(McpProtocol.v2024_11_05)
}
console.log(seen)
assert.deepEqual(seen, {
  "2025-11-25": "Server does not support the explicitly selected protocol version",
  "2024-11-05": 9
})
JS
node_modules/.bin/node run.js
