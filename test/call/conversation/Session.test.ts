import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { Claude, Conversation } from "effect-claude"
import { TestClaude } from "effect-claude/testing"

const ask = (chat: Conversation.Conversation, input: Conversation.Input) =>
  Effect.map(Conversation.generateText(chat, input), ({ text }) => text)

describe("the turns of a conversation", () => {
  it.effect("run one after another, each with the turns before it", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make()
      const answers = yield* Effect.all([ask(chat, "one?"), ask(chat, "two?")], { concurrency: 2 })
      assert.deepStrictEqual(answers, ["one", "two"])
      const sent = yield* TestClaude.calls
      assert.deepStrictEqual(
        sent.map(({ messages }) => messages.length),
        [1, 3]
      )
    }).pipe(Effect.provide(TestClaude.layer(["one", "two"])))
  )

  it.effect("change the history only at their end, and not where they fail or are interrupted", () => {
    const answer = Deferred.makeUnsafe<string>()
    return Effect.gen(function* () {
      const chat = yield* Conversation.make()
      yield* Effect.flip(Conversation.generateText(chat, "fails"))
      assert.deepStrictEqual(yield* chat.messages, [])
      const waiting = yield* Effect.forkChild(ask(chat, "waits"))
      yield* Effect.repeat(Effect.yieldNow, { times: 20 })
      assert.deepStrictEqual(yield* chat.messages, [])
      yield* Fiber.interrupt(waiting)
      assert.deepStrictEqual(yield* chat.messages, [])
      assert.strictEqual(yield* ask(chat, "answers"), "yes")
      assert.lengthOf(yield* chat.messages, 2)
    }).pipe(
      Effect.provide(
        TestClaude.layer(
          TestClaude.when(/fails/, { content: [], stop_reason: "refusal" }),
          TestClaude.when(/waits/, Deferred.await(answer)),
          TestClaude.when(/answers/, "yes")
        )
      )
    )
  })

  it.effect("take settings of their own, which the next turn does not have", () =>
    Effect.gen(function* () {
      const chat = yield* Conversation.make({ system: "Be brief." })
      yield* ask(chat, { content: "one?", system: "Be long.", max_tokens: 7 })
      yield* ask(chat, "two?")
      const sent = yield* TestClaude.calls
      const { max_tokens } = yield* Claude.Defaults
      assert.deepStrictEqual(
        sent.map(({ max_tokens, system }) => [system, max_tokens]),
        [
          ["Be long.", 7],
          ["Be brief.", max_tokens]
        ]
      )
    }).pipe(Effect.provide(TestClaude.layer(["one", "two"])))
  )
})
