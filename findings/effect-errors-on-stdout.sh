#!/usr/bin/env bash
# Guess: Effect.logError writes to stderr, so that stdout holds only what the program prints.
# Seen: every level goes to stdout with the default logger, the report of a failed program by runMain included.
# Versions: effect 4.1.0, @effect/platform-node 4.1.0, Node 24.
# Source: the run below.
# For users: `program > answers.txt` mixes log lines into the answers. Provide References.LogToStderr with true around the
#   program; the report of runMain still goes to stdout, unless runMain gets `disableErrorReporting` and the program
#   reports its failure by itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund effect@4.1.0 @effect/platform-node@4.1.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, References } from "effect"

const program = Effect.andThen(Effect.logError("a log line"), Effect.fail("a failure"))
NodeRuntime.runMain(Effect.provideService(program, References.LogToStderr, process.argv[2] === "stderr"))
JS
node run.js > stdout 2> stderr || true
echo "by default: $(wc -c < stdout) bytes on stdout, $(wc -c < stderr) on stderr"
grep -q "a log line" stdout && grep -q "a failure" stdout && [ ! -s stderr ]

node run.js stderr > stdout 2> stderr || true
echo "with LogToStderr: $(wc -c < stdout) bytes on stdout, $(wc -c < stderr) on stderr"
grep -q "a log line" stderr || exit 1
grep -q "a failure" stdout || exit 1
