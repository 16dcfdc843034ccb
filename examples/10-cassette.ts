// How do I test with recorded answers of the API, without a key and without the network?
import { NodeFileSystem } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { Claude } from "effect-claude"
import { Cassette } from "effect-claude/testing"

// The first run asks the API and writes the file; later runs and CI read it. To record again, delete it.
const claude = Cassette.layer({ path: "test/cassettes/10-cassette.json" }).pipe(Layer.provide(NodeFileSystem.layer))

it.effect("streams what the weather is like", () =>
  Effect.gen(function* () {
    const words = yield* Stream.runCollect(Claude.streamText("Say in one sentence: it rains in Lisbon."))
    assert.include(words.join(""), "rains")
  }).pipe(Effect.provide(claude))
)

it.effect("fails on a question that was not recorded, and shows the difference", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Claude.generateText("Say in one sentence: it rains in Porto."))
    assert.include(error.message, `it rains in Lisbon." → …e: it rains in Porto."`)
  }).pipe(Effect.provide(claude))
)
