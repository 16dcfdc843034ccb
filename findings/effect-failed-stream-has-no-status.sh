#!/usr/bin/env bash
# Guess: where the stream of a response fails before its first byte, the client gets status 500, as it does where the
#   handler itself fails.
# Seen: on Node's server the connection closes without any response; the web handler answers 200 and the body fails.
#   The status is settled before the stream starts.
# Versions: effect 4.1.0, @effect/platform-node 4.1.0, Node 24.
# Source: the run below.
# For users: pull the first element before you build the response (Stream.peel, or Stream.toPull), and answer with a
#   status of your own where that fails.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund effect@4.1.0 @effect/platform-node@4.1.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Layer, Stream } from "effect"
import { HttpEffect, HttpRouter, HttpServerResponse } from "effect/http"

const failing = Effect.succeed(HttpServerResponse.stream(Stream.fail("no")))
const routes = Layer.mergeAll(
  HttpRouter.add("GET", "/stream", failing),
  HttpRouter.add("GET", "/handler", Effect.fail("no"))
)

const server = createServer()
const live = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provide(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" }))
)
const ask = async (path) => {
  const { port } = server.address()
  return fetch(`http://127.0.0.1:${port}${path}`).then(({ status }) => status, ({ cause }) => cause.code)
}

const seen = await Effect.runPromise(
  Effect.scoped(
    Effect.andThen(
      Layer.build(live),
      Effect.promise(async () => ({ handler: await ask("/handler"), stream: await ask("/stream") }))
    )
  )
)
const response = await HttpEffect.toWebHandler(failing)(new Request("http://localhost/"))
const body = await response.text().then(() => "text", () => "the body fails")
console.log({ ...seen, web: [response.status, body] })
assert.deepEqual(seen, { handler: 500, stream: "UND_ERR_SOCKET" })
assert.deepEqual([response.status, body], [200, "the body fails"])
JS
node run.js
