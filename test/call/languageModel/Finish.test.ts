import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Finish from "../../../src/call/languageModel/Finish.ts"
import type { Message } from "../../../src/claude/Reply.ts"
import { zero } from "../../../src/claude/Usage.ts"
import { message } from "../../fixtures.ts"

const reply = (answer: Message) => ({
  message: answer,
  requestId: "req_1",
  origin: "api" as const,
  rateLimits: undefined
})

const finish = (answer: Message) =>
  Finish.finish({ ...reply(answer), text: "", usage: zero, cost: BigDecimal.fromStringUnsafe("0.0012") }, undefined)

describe("the finish of a response", () => {
  it("has the reason of effect/ai; one that it does not know lets no tool run", () => {
    const reasons = [
      "end_turn",
      "stop_sequence",
      "tool_use",
      "max_tokens",
      "model_context_window_exceeded",
      "refusal",
      "pause_turn",
      "compaction",
      "something_new"
    ]
    assert.deepStrictEqual(
      // The last two are not in the SDK's type.
      reasons.map((reason) => finish({ ...message(), stop_reason: reason as Message["stop_reason"] }).reason),
      ["stop", "stop", "tool-calls", "length", "length", "content-filter", "pause", "pause", "other"]
    )
    assert.strictEqual(finish({ ...message(), stop_reason: null }).reason, "unknown")
  })

  it("has the API's usage and details, and the cost, in the metadata", () => {
    const details = { type: "refusal", category: "bio", explanation: null } as const
    const { metadata } = finish({ ...message(), stop_reason: "refusal", stop_details: details })
    assert.deepStrictEqual<unknown>(metadata?.anthropic, {
      stopReason: "refusal",
      stopDetails: details,
      usage: message().usage,
      cost: "0.0012"
    })
  })

  it("counts the thinking of all calls of a turn", () => {
    const thought = (tokens: number) =>
      reply(message({ usage: { output_tokens_details: { thinking_tokens: tokens } } }))
    assert.strictEqual(Finish.reasoningOf([thought(3), reply(message()), thought(4)]), 7)
    assert.isUndefined(Finish.reasoningOf([reply(message())]))
  })
})
