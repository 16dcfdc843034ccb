import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Compaction from "../../../../src/testing/emulator/request/Compaction.ts"

describe("Compaction", () => {
  it.effect("is read from the edits of a request, with the defaults of the API", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* Compaction.read(undefined))
      assert.isUndefined(yield* Compaction.read({ edits: [{ type: "clear_tool_uses_20250919", trigger: 5 }] }))
      assert.deepStrictEqual(yield* Compaction.read({ edits: [{ type: "compact_20260112", trigger: null }] }), {
        above: 150_000,
        pauses: false
      })
      const trigger = { type: "input_tokens", value: 50_000 }
      const edit = { type: "compact_20260112", trigger, pause_after_compaction: true }
      assert.deepStrictEqual(yield* Compaction.read({ edits: [edit] }), { above: 50_000, pauses: true })
    })
  )

  it.effect("is refused below 50,000 tokens, or without a number of them", () =>
    Effect.gen(function* () {
      const path = "context_management.edits.0.compact_20260112.trigger"
      for (const [trigger, refusal] of [
        [{ type: "input_tokens", value: 49_999 }, ".value: Input should be greater than or equal to 50000"],
        [{ type: "input_tokens", value: 50_000.5 }, ".value: Input should be a valid integer"],
        [{ type: "input_tokens", value: "60000" }, ".value: Input should be a valid integer"],
        [60_000, ": Input should be an object"]
      ] as const) {
        const { message } = yield* Effect.flip(Compaction.read({ edits: [{ type: "compact_20260112", trigger }] }))
        assert.strictEqual(message, path + refusal)
      }
    })
  )

  it("replaces what comes before the last summary, except where the summary failed", () => {
    const summary = (content: string | null) => ({ type: "compaction", content })
    const text = { type: "text", text: "Yes." }
    const [one, two] = [
      { role: "user", content: "One?" },
      { role: "user", content: "Two?" }
    ]
    const answer = (...content: ReadonlyArray<object>) => ({ role: "assistant", content })
    for (const [messages, read] of [
      [
        [one, answer(text), two],
        [one, answer(text), two]
      ],
      [
        [one, answer(summary("One."), text), two],
        [{ role: "user", content: [summary("One.")] }, answer(text), two]
      ],
      [
        [one, answer(summary("One."), text), two, answer(summary("One."), text, summary("Two."), text)],
        [{ role: "user", content: [summary("Two.")] }, answer(text)]
      ],
      [[one, answer(summary("One."))], [{ role: "user", content: [summary("One.")] }]],
      [
        [one, answer(summary(null), text), two],
        [one, answer(summary(null), text), two]
      ]
    ]) {
      assert.deepStrictEqual(Compaction.sinceSummary(messages ?? []), read)
    }
  })
})
