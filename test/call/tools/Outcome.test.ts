import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { textOutcome, Stored, toBlock } from "../../../src/call/tools/Outcome.ts"

describe("Outcome", () => {
  it("is an error for the model unless the call succeeded, and never an error without content", () => {
    const call = { id: "1", toolset_name: null }
    assert.deepStrictEqual(toBlock(call, { outcome: "succeeded", content: "" }), {
      type: "tool_result",
      tool_use_id: "1",
      content: ""
    })
    assert.deepStrictEqual(toBlock(call, textOutcome("failed", "")), {
      type: "tool_result",
      tool_use_id: "1",
      content: "failed",
      is_error: true
    })
  })

  it("names the toolset of a call that has one", () => {
    assert.deepInclude(toBlock({ id: "1", toolset_name: "browser" }, textOutcome("denied", "No.")), {
      toolset_name: "browser"
    })
  })

  it("is stored as text with its content and its result", () => {
    const outcome = {
      outcome: "succeeded" as const,
      content: [{ type: "text" as const, text: "a" }],
      result: { b: [1, null] }
    }
    const stored = (result: unknown) => Schema.decodeSync(Stored)(Schema.encodeSync(Stored)({ ...outcome, result }))
    assert.deepStrictEqual(stored(outcome.result), outcome)
    assert.deepStrictEqual(stored({ id: 9007199254740993n }).result, { id: "9007199254740993" })
  })
})
