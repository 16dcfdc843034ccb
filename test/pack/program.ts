// A program as a user writes it, against the installed package: once with a fake, once (--api) over the wire.
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schema } from "effect"
import { Batch, Claude, Concurrency, Retry } from "effect-claude"
import { TestClaude } from "effect-claude/testing"

const program = Effect.gen(function* () {
  const { text } = yield* Claude.generateText("Hello. Say it in one sentence.")
  const { value } = yield* Claude.generateObject(Schema.Struct({ year: Schema.Int }), "The year is 1999.")
  const results = yield* Batch.map(["a", "b"], (letter) => Claude.generateText(letter))
  yield* Console.log(text, value.year, results.length)
})

const fake = TestClaude.layer(TestClaude.when(/year/, '{ "year": 1999 }'), "hello")
const mocked = Effect.provide(program, fake.pipe(Concurrency.policy(2), Retry.policy()))
const asked = Effect.provide(program, Claude.layerConfig().pipe(Claude.stack()))

NodeRuntime.runMain(process.argv.includes("--api") ? asked : mocked)
