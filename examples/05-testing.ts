// How do I test a program that asks Claude, without a key, a network or a wait?
import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { Claude, ClaudeError, Retry } from "effect-claude"
import { TestClaude } from "effect-claude/testing"

const sentiment = (review: string) =>
  Effect.map(Claude.generateText(`Is this review good or bad? ${review}`), (reply) => reply.text)

it.effect("calls a bad review bad", () =>
  Effect.gen(function* () {
    assert.strictEqual(yield* sentiment("It broke on the first day."), "bad")
    assert.deepStrictEqual(yield* TestClaude.prompts, ["Is this review good or bad? It broke on the first day."])
  }).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/broke/, "bad"), "good")))
)

it.effect("asks again when Claude is overloaded", () =>
  Effect.gen(function* () {
    assert.strictEqual(yield* sentiment("Lovely."), "good")
  }).pipe(
    Effect.provide(
      TestClaude.layer([new ClaudeError.Overloaded({ detail: "busy" }), "good"]).pipe(Retry.policy(Schedule.recurs(1)))
    )
  )
)
