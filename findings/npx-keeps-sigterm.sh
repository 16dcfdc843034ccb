#!/usr/bin/env bash
# Guess: SIGTERM to `npx program`, as a supervisor or `kill %1` sends it, reaches the program, which can end in order.
# Seen: npx and its shell end at once. The program never gets the signal, and continues without a parent. SIGINT of a
#   terminal reaches it, because the terminal sends it to the whole group.
# Versions: npm 11.19.1, Node 24.
# Source: the run below.
# For users: start a program that must end in order with node_modules/.bin/program or node file.js, also as the command of
#   a container, where process 1 gets the signal.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir program
cat > program/package.json <<'JSON'
{ "name": "program", "version": "1.0.0", "type": "module", "bin": { "program": "./program.js" } }
JSON
cat > program/program.js <<'JS'
#!/usr/bin/env node
import { writeFileSync } from "node:fs"
process.on("SIGTERM", () => {
  writeFileSync("ended", "")
  process.exit(0)
})
writeFileSync("pid", String(process.pid))
// It ends by itself in any case.
setTimeout(() => {}, 20_000)
JS
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund npm@11.19.1 ./program
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

const stop = async (command, args) => {
  for (const file of ["pid", "ended"]) rmSync(file, { force: true })
  const child = spawn(command, args, { stdio: "ignore" })
  while (!existsSync("pid") || readFileSync("pid", "utf8") === "") await sleep(50)
  const pid = Number(readFileSync("pid", "utf8"))
  child.kill("SIGTERM")
  await once(child, "exit")
  await sleep(1000)
  const ended = existsSync("ended")
  if (!ended) process.kill(pid, "SIGKILL") // It throws where the program is gone.
  return ended
}
const seen = {
  npx: await stop(process.execPath, ["node_modules/npm/bin/npx-cli.js", "program"]),
  bin: await stop("node_modules/.bin/program", [])
}
console.log("ended in order:", seen)
assert.deepEqual(seen, { npx: false, bin: true })
JS
node run.js
