#!/usr/bin/env bash
# Guess: a program whose command to Redis has timed out ends, even if the server has stopped to answer.
# Seen: with NodeRedis.layer, the program never ends. When the layer's scope closes, it calls `close()` of the client,
#   which waits for every command that was sent, also for those that the program no longer waits for.
# Versions: effect 4.1.0, @effect/platform-node 4.1.0, redis 6.3.1, Node 24; it needs the program redis-server.
# Source: the run below; the documentation of NodeRedis.layer says that `close()` waits for commands in flight.
# For users: add a finalizer above the layer that calls `client.destroy()`, which fails these commands.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund effect@4.1.0 @effect/platform-node@4.1.0 redis@6.3.1
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { NodeRedis } from "@effect/platform-node"
import { Effect, Layer } from "effect"

const port = 20_000 + (process.pid % 10_000)
const server = spawn("redis-server", ["--port", String(port), "--save", "", "--appendonly", "no"])
for await (const line of server.stdout) if (String(line).includes("Ready to accept connections")) break

const redis = NodeRedis.layer({ url: `redis://127.0.0.1:${port}` })
const destroying = Layer.effectDiscard(
  NodeRedis.NodeRedis.use(({ client }) => Effect.addFinalizer(() => Effect.sync(() => client.destroy())))
).pipe(Layer.provideMerge(redis))

/** Whether a program ends within 5 seconds, whose command times out after half a second. */
const ends = async (layer) => {
  const program = Effect.gen(function* () {
    const { use } = yield* NodeRedis.NodeRedis
    yield* use((client) => client.ping())
    server.kill("SIGSTOP")
    yield* Effect.timeoutOption(use((client) => client.ping()), "500 millis")
  }).pipe(Effect.provide(layer))
  const ended = await Promise.race([
    Effect.runPromise(program).then(() => true),
    new Promise((resolve) => setTimeout(resolve, 5000, false))
  ])
  server.kill("SIGCONT")
  return ended
}

const seen = { "NodeRedis.layer": await ends(redis), "with client.destroy()": await ends(destroying) }
server.kill("SIGKILL")
console.log("the program ends:", seen)
assert.deepEqual(seen, { "NodeRedis.layer": false, "with client.destroy()": true })
process.exit()
JS
node run.js
