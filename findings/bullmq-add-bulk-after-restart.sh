#!/usr/bin/env bash
# Guess: a BullMQ queue on a node-redis client works again when Redis has restarted and the client has connected again.
# Seen: `addBulk` fails with NOSCRIPT for ever, since it sends EVALSHA in a MULTI, and its scripts are loaded only when the
#   queue is made. `add` falls back to EVAL, and after one `add` the server has the script, so `addBulk` works too.
# Versions: bullmq 6.7.0, redis 6.3.1, Node 24; it needs the program redis-server.
# Source: the run below; `NodeRedisTransaction.runCommand` in bullmq's node-redis-client.js, whose comment promises to
#   handle NOSCRIPT at exec time.
# For users: call `add` for each job, at once (`Promise.all`), which node-redis sends together.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund --ignore-scripts bullmq@6.7.0 redis@6.3.1
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { Queue } from "bullmq"
import { createClient } from "redis"

const port = 20_000 + (process.pid % 10_000)
const start = async () => {
  const server = spawn("redis-server", ["--port", String(port), "--save", "", "--appendonly", "no"])
  for await (const line of server.stdout) if (String(line).includes("Ready to accept connections")) break
  server.stdout.resume()
  return server
}
const server = await start()
const client = createClient({ url: `redis://127.0.0.1:${port}` })
client.on("error", () => {})
await client.connect()
const queue = new Queue("queue", { connection: client })
queue.on("error", () => {})

const attempt = (promise) => promise.then(() => "works", (error) => String(error.replies?.[0] ?? error))
const addBulk = () => attempt(queue.addBulk([{ name: "job", data: {} }]))
const seen = [["addBulk before the restart", await addBulk()]]
server.kill("SIGKILL")
await once(server, "exit")
const again = await start()
while (!client.isReady) await new Promise((resolve) => setTimeout(resolve, 50))
seen.push(["addBulk after it", await addBulk()], ["a second time", await addBulk()])
seen.push(["add", await attempt(queue.add("job", {}))], ["addBulk after add", await addBulk()])
again.kill("SIGKILL")
for (const [what, outcome] of seen) console.log(`${what}: ${outcome}`)
const noScript = "Error: NOSCRIPT No matching script. Please use EVAL."
assert.deepEqual(seen.map(([, outcome]) => outcome), ["works", noScript, noScript, "works", "works"])
process.exit()
JS
node run.js
