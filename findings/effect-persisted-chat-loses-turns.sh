#!/usr/bin/env bash
# Guess: a chat of Chat.Persistence keeps every turn that was stored under its id.
# Seen: each getOrCreate reads the whole history once, and each turn writes the whole history of its own copy. Of two
#   requests that open the same chat before either has its answer, the later one overwrites the turn of the earlier one,
#   without an error. Within one Chat, turns wait for each other, and both stay.
# Versions: effect 4.1.0, Node 24.21.0.
# Source: the run below; the documentation of Chat.Persistence has no word about two copies of a chat.
# For users: a double click, a second tab or two servers are enough. Keep one Chat an id and process, and take a lock
#   around open and turn (an advisory lock of the database, say) where several processes serve the same chats. A
#   conversation of effect-claude (Conversation.open) fails instead of overwriting a turn that it has not read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund node@24.21.0 effect@4.1.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { Effect, Layer, Stream } from "effect"
import { Chat, LanguageModel } from "effect/ai"
import { Persistence } from "effect/persistence"

/** A model that repeats the last words of the user. */
const model = LanguageModel.make({
  generateText: ({ prompt }) =>
    Effect.succeed([
      { type: "text", text: `echo ${prompt.content.at(-1).content[0].text}` },
      { type: "finish", reason: "stop", usage: { inputTokens: {}, outputTokens: {} } }
    ]),
  streamText: () => Stream.die("unused")
})

/** The texts that are stored after two turns in two copies of a chat, or in one. */
const stored = (copies) =>
  Effect.gen(function* () {
    const persistence = yield* Chat.Persistence
    const first = yield* persistence.getOrCreate("chat")
    const second = copies === 2 ? yield* persistence.getOrCreate("chat") : first
    yield* first.generateText({ prompt: "one" })
    yield* second.generateText({ prompt: "two" })
    const { content } = yield* (yield* persistence.get("chat")).export
    return content.map((message) => message.content)
  }).pipe(
    Effect.provideServiceEffect(LanguageModel.LanguageModel, model),
    Effect.provide(Chat.layerPersisted({ storeId: "chats" }).pipe(Layer.provide(Persistence.layerBackingMemory))),
    Effect.runPromise
  )

const seen = { "two copies": await stored(2), "one copy": await stored(1) }
console.log(seen)
assert.deepEqual(seen, { "two copies": ["two", "echo two"], "one copy": ["one", "echo one", "two", "echo two"] })
JS
node_modules/.bin/node run.js
