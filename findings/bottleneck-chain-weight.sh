#!/usr/bin/env bash
# Guess: two limiters of Bottleneck, one of tokens (a job has a weight) and one of requests, are combined with
#   `tokens.chain(requests)`, and each job then counts as one request.
# Seen: the chained limiter takes the weight of the job, too: of 20 calls with 30 tokens each, a reservoir of 100 requests
#   lets 3 run. The other jobs wait without an error. Nested, `tokens.schedule({ weight }, () => requests.schedule(call))`,
#   all 20 run.
# Versions: bottleneck 2.19.5, Node 24.
# Source: the run below; the README describes `chain` without a word about weights.
# For users: chain limiters only for jobs without a weight; otherwise nest the calls of `schedule`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund bottleneck@2.19.5 node@24.21.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { setTimeout } from "node:timers/promises"
import Bottleneck from "bottleneck"

const limiters = () => [new Bottleneck({ reservoir: 1000 }), new Bottleneck({ reservoir: 100 })]
const ran = async (schedule) => {
  let calls = 0
  for (let call = 0; call < 20; call++) void schedule(async () => (calls += 1))
  await setTimeout(5000)
  return calls
}
const [tokens, requests] = limiters()
tokens.chain(requests)
const [outer, inner] = limiters()
const seen = {
  chained: await ran((call) => tokens.schedule({ weight: 30 }, call)),
  nested: await ran((call) => outer.schedule({ weight: 30 }, () => inner.schedule(call)))
}
console.log(process.version, seen)
assert.deepEqual(seen, { chained: 3, nested: 20 })
process.exit()
JS
node_modules/.bin/node run.js
