#!/usr/bin/env bash
# Guess: a `set` of KeyValueStore.layerFileSystem that fails leaves the value that was there.
# Seen: it writes into the file of the old value. Where the write fails on the way, as on a full disk, the old value is
#   gone, and `get` returns the beginning of the new one without an error.
# Versions: effect 4.1.0, @effect/platform-node 4.1.0, Node 24.21.0.
# Source: the run below, with a limit of 64 KB a file (ulimit -f) in place of a full disk.
# For users: this store is below PersistedCache, Persistence.layerKvs and stored chats. Where a value may not be lost, use
#   KeyValueStore.layerSql or Redis, or write to a new file and rename it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund node@24.21.0 effect@4.1.0 @effect/platform-node@4.1.0 redis@6.3.1
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { KeyValueStore } from "effect/persistence"

const seen = await Effect.gen(function* () {
  const store = yield* KeyValueStore.KeyValueStore
  yield* store.set("history", "the old value")
  const error = yield* Effect.flip(store.set("history", "new ".repeat(50_000)))
  const left = yield* store.get("history")
  return { error: error.message, characters: left.length, old: left.includes("old"), left: left.slice(0, 11) }
}).pipe(
  Effect.provide(KeyValueStore.layerFileSystem("store").pipe(Layer.provide(NodeServices.layer))),
  Effect.runPromise
)
console.log(seen)
assert.deepEqual(seen, {
  error: "Unable to set item with key history", characters: 65_536, old: false, left: "new new new"
})
JS
(ulimit -f 64; node_modules/.bin/node run.js)
