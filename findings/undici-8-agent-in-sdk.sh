#!/usr/bin/env bash
# Guess: the newest Agent (or ProxyAgent) of undici fits into `fetchOptions.dispatcher` of the Anthropic SDK, which is how
#   its README sets a proxy, and into the fetch of Node.
# Seen: with undici 8, every call fails as "Connection error." before anything is sent; the cause says "invalid
#   onRequestStart method". The fetch of Node 24 has undici 7 inside, and version 8 changed what a dispatcher is handed.
#   An Agent of undici 7 works, and so does one of undici 8 with the fetch of undici 8, or inside its Dispatcher1Wrapper.
# Versions: undici 8.13.1 and 7.16.0, @anthropic-ai/sdk 1.14.0, Node 24 (undici 7 inside).
# Source: the run below.
# For users: a proxy that worked until an update of undici looks like a network fault. Wrap the dispatcher,
#   new Dispatcher1Wrapper(new ProxyAgent(…)), or install the major version of process.versions.undici.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund @anthropic-ai/sdk@1.14.0 undici@8.13.1 undici-7@npm:undici@7.16.0 node@24.21.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { createServer } from "node:http"
import Anthropic from "@anthropic-ai/sdk"
import { Agent as Agent8, Dispatcher1Wrapper, fetch as fetch8 } from "undici"
import { Agent as Agent7 } from "undici-7"

let requests = 0
const server = createServer((request, response) => {
  requests += 1
  request.resume()
  response.setHeader("content-type", "application/json")
  response.end(JSON.stringify({ input_tokens: 3 }))
}).listen(0)
const baseURL = `http://127.0.0.1:${server.address().port}`

const ask = async (options) => {
  const client = new Anthropic({ apiKey: "key", baseURL, maxRetries: 0, ...options })
  const messages = [{ role: "user", content: "Hello" }]
  return client.messages.countTokens({ model: "claude-sonnet-5-5", messages }).then(
    ({ input_tokens }) => `${input_tokens} tokens`,
    (error) => `${error.message} ${error.cause?.cause?.message ?? error.cause?.message}`
  )
}
const seen = {
  "undici 8": await ask({ fetchOptions: { dispatcher: new Agent8() } }),
  requests,
  "undici 7": await ask({ fetchOptions: { dispatcher: new Agent7() } }),
  "undici 8 with its own fetch": await ask({ fetch: fetch8, fetchOptions: { dispatcher: new Agent8() } }),
  "undici 8, wrapped": await ask({ fetchOptions: { dispatcher: new Dispatcher1Wrapper(new Agent8()) } })
}
server.close()
server.closeAllConnections()
console.log(process.version, "undici", process.versions.undici, seen)
assert.match(process.versions.undici, /^7\./)
assert.deepEqual(seen, {
  "undici 8": "Connection error. invalid onRequestStart method",
  requests: 0,
  "undici 7": "3 tokens",
  "undici 8 with its own fetch": "3 tokens",
  "undici 8, wrapped": "3 tokens"
})
JS
node_modules/.bin/node run.js
