#!/usr/bin/env bash
# Guess: a program that SIGTERM ends exits with 143 (128 + 15), as any program that a shell or systemd starts.
# Seen: NodeRuntime.runMain exits with 130, the code of Ctrl-C, for SIGTERM too.
# Versions: effect 4.1.0, @effect/platform-node 4.1.0, Node 24.
# Source: the run below.
# For users: a supervisor that tells a stop by the operator (143) from a Ctrl-C (130) is misled. Set the code with a
#   `teardown` of your own, and remember which signal came.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund effect@4.1.0 @effect/platform-node@4.1.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect } from "effect"

NodeRuntime.runMain(Effect.andThen(Console.log("ready"), Effect.never))
JS
cat > send.js <<'JS'
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"

const codeAfter = async (signal) => {
  const child = spawn(process.execPath, ["run.js"], { stdio: ["ignore", "pipe", "inherit"] })
  await once(child.stdout, "data")
  child.kill(signal)
  const [code] = await once(child, "exit")
  return code
}
const seen = { SIGINT: await codeAfter("SIGINT"), SIGTERM: await codeAfter("SIGTERM") }
console.log(seen)
assert.deepEqual(seen, { SIGINT: 130, SIGTERM: 130 })
JS
node send.js
