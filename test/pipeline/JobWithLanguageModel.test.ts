/**
 * A job whose step is written for effect/ai: its calls are durable as those of the verbs are.
 */
import { assert, describe, it } from "@effect/vitest"
import { Job, LanguageModel, Step } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Effect, Layer, Schema, Stream } from "effect"
import { LanguageModel as Ai } from "effect/ai"
import { calls, inFolder, people, type Person } from "./jobs.ts"

const greet = Step.make("greet", ({ name }: typeof Person.Type) =>
  Effect.gen(function* () {
    const { text } = yield* Ai.generateText({ prompt: `Greet ${name}.` })
    const parts = yield* Stream.runCollect(Ai.streamText({ prompt: `Make it shorter: ${text}` }))
    return parts.map((part) => (part.type === "text-delta" ? part.delta : "")).join("")
  })
)

const job = Job.make({
  name: "greetings",
  source: people(["Ada", "Bob"]),
  key: ({ name }) => name,
  step: greet,
  output: Schema.String,
  sink: "unused.jsonl",
  layer: LanguageModel.layer()
})

describe("a job with a step for effect/ai", () => {
  it.effect("replays its calls where its rows run again, whole and streamed ones", () =>
    inFolder(({ lines, run, state }) =>
      Effect.gen(function* () {
        const first = yield* run(job)
        assert.deepInclude(first, { done: 2, failed: 0 })
        assert.lengthOf(yield* calls, 4)
        const second = yield* run(job, { changed: "rerun" })
        assert.deepInclude(second, { done: 2, failed: 0 })
        assert.lengthOf(yield* calls, 4)
        assert.include((yield* lines).join(), "Hello")
      }).pipe(Effect.provide(Layer.merge(TestClaude.layer("Hello there."), state)))
    )
  )
})
