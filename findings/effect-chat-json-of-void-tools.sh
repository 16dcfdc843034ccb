#!/usr/bin/env bash
# Guess: what Chat.exportJson writes, Chat.fromJson reads.
# Seen: not if a tool without `success` was called, which means Schema.Void, the default. Its result is `undefined`, so
#   the JSON lacks the key `result`, and fromJson fails with "Missing key". The chat itself goes on without an error.
# Versions: effect 4.1.0, Node 24.21.0.
# Source: the run below.
# For users: a stored conversation with an action of this kind ("save", "send") cannot be loaded any more. Give each tool
#   a success that JSON can hold, such as Schema.Null or a short text, which also tells the model more.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund node@24.21.0 effect@4.1.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { Effect, Schema } from "effect"
import { Chat, LanguageModel, Tool, Toolkit } from "effect/ai"

/** What fromJson makes of a chat in which a tool was called: the number of messages, or the error. */
const load = (tool, result) => {
  const toolkit = Toolkit.make(tool)
  const model = LanguageModel.make({
    generateText: () =>
      Effect.succeed([
        { type: "tool-call", id: "1", name: "save", params: { text: "Milk" } },
        { type: "finish", reason: "tool-calls", usage: { inputTokens: {}, outputTokens: {} } }
      ]),
    streamText: () => Effect.die("unused")
  })
  return Effect.gen(function* () {
    const chat = yield* Chat.empty
    yield* chat.generateText({ prompt: "Save: milk", toolkit })
    const text = yield* chat.exportJson
    console.log(JSON.parse(text).content.at(-1))
    const loaded = yield* Chat.fromJson(text)
    return (yield* loaded.export).content.length
  }).pipe(
    Effect.catch((error) => Effect.succeed(error.message)),
    Effect.provideServiceEffect(LanguageModel.LanguageModel, model),
    Effect.provide(toolkit.toLayer({ save: () => Effect.succeed(result) })),
    Effect.runPromise
  )
}

const parameters = Schema.Struct({ text: Schema.String })
const seen = {
  "no success": await load(Tool.make("save", { parameters }), undefined),
  "Schema.Null": await load(Tool.make("save", { parameters, success: Schema.Null }), null)
}
console.log(seen)
assert.match(String(seen["no success"]), /Missing key/)
assert.equal(seen["Schema.Null"], 3)
JS
node_modules/.bin/node run.js
