#!/usr/bin/env bash
# Guess: the spans of effect/ai hold counts and names. The GenAI conventions of OpenTelemetry leave the arguments of tools
#   out by default, since they may hold what a user wrote.
# Seen: Toolkit writes the arguments that the model sent into the attribute `parameters` of the current span, which is
#   LanguageModel.generateText. No option turns it off. Two calls of one turn share the span: the last one stays.
# Versions: effect 4.1.0, Node 24.21.0.
# Source: the run below.
# For users: an exporter sends these texts to its collector. Wrap the tracer and drop the attribute, as the run does at
#   the end; or pass `disableToolCallResolution` and call the handlers yourself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund node@24.21.0 effect@4.1.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { Effect, Schema, Tracer } from "effect"
import { LanguageModel, Tool, Toolkit } from "effect/ai"

const toolkit = Toolkit.make(Tool.make("note", { parameters: Schema.Struct({ text: Schema.String }), success: Schema.String }))
const handlers = toolkit.toLayer({ note: () => Effect.succeed("noted") })
const call = (id, text) => ({ type: "tool-call", id, name: "note", params: { text } })
const model = LanguageModel.make({
  generateText: () =>
    Effect.succeed([
      call("1", "my password is 4711"),
      call("2", "my doctor is Dr Grey"),
      { type: "finish", reason: "tool-calls", usage: { inputTokens: {}, outputTokens: {} } }
    ]),
  streamText: () => Effect.die("unused")
})

/** The attributes of the spans that a call of the model leaves, with a way to make a span. */
const attributes = async (makeSpan) => {
  const spans = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = makeSpan(options)
      spans.push(span)
      return span
    }
  })
  await LanguageModel.generateText({ prompt: "Hello", toolkit, concurrency: 1 }).pipe(
    Effect.provideServiceEffect(LanguageModel.LanguageModel, model),
    Effect.provide(handlers),
    Effect.withTracer(tracer),
    Effect.runPromise
  )
  return spans.map((span) => [span.name, Object.fromEntries(span.attributes)])
}

const seen = await attributes((options) => new Tracer.NativeSpan(options))
console.dir(seen, { depth: null })
assert.equal(seen.length, 1)
assert.equal(seen[0][0], "LanguageModel.generateText")
assert.deepEqual(seen[0][1].parameters, { text: "my doctor is Dr Grey" })

// The remedy of the header.
const without = await attributes((options) => {
  const span = new Tracer.NativeSpan(options)
  const attribute = span.attribute.bind(span)
  span.attribute = (key, value) => (key === "parameters" ? undefined : attribute(key, value))
  return span
})
assert.equal("parameters" in without[0][1], false)
assert.equal(without[0][1].tool, "note")
JS
node_modules/.bin/node run.js
