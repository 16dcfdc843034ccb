#!/usr/bin/env bash
# Guess: a tool without parameters takes any call. A tool with parameters ignores the keys that it does not know.
# Seen: Tool.make("now"), without parameters, refuses every key: "Expected never". The whole reply of the model is lost
#   with it, text and other calls included. A tool with parameters drops the same key without an error.
# Versions: effect 4.1.0, Node 24.21.0.
# Source: the run below.
# For users: a model may send such keys ({ "reason": … }, { "input": "" }) to tools that take nothing, unless the tool is
#   strict. Give the tool one optional parameter; or `failureMode: "return"`, with which only this call fails.
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
import { LanguageModel, Tool, Toolkit } from "effect/ai"

/** What a reply becomes that says something and calls a tool with an unknown key. */
const reply = (tool) => {
  const toolkit = Toolkit.make(tool)
  const model = LanguageModel.make({
    generateText: () =>
      Effect.succeed([
        { type: "text", text: "Let me look at the clock." },
        { type: "tool-call", id: "1", name: "now", params: { reason: "The user asks for the time." } },
        { type: "finish", reason: "tool-calls", usage: { inputTokens: {}, outputTokens: {} } }
      ]),
    streamText: () => Effect.die("unused")
  })
  return LanguageModel.generateText({ prompt: "What time is it?", toolkit }).pipe(
    Effect.map(({ text, toolResults }) => ({ text, results: toolResults.map(({ result }) => result) })),
    Effect.catchTag("AiError", (error) => Effect.succeed(error.message)),
    Effect.provideServiceEffect(LanguageModel.LanguageModel, model),
    Effect.provide(toolkit.toLayer({ now: () => Effect.succeed("12:00") })),
    Effect.runPromise
  )
}

const success = Schema.String
const seen = {
  "no parameters": await reply(Tool.make("now", { success })),
  "one optional parameter": await reply(
    Tool.make("now", { success, parameters: Schema.Struct({ zone: Schema.optionalKey(Schema.String) }) })
  ),
  "failureMode return": await reply(Tool.make("now", { success, failureMode: "return" }))
}
console.log(seen)
assert.match(seen["no parameters"], /Expected never\s+at \["reason"\]/)
assert.deepEqual(seen["one optional parameter"], { text: "Let me look at the clock.", results: ["12:00"] })
assert.equal(seen["failureMode return"].text, "Let me look at the clock.")
assert.equal(seen["failureMode return"].results[0].reason._tag, "ToolParameterValidationError")
JS
node_modules/.bin/node run.js
