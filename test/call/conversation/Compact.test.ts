import { assert, describe, it } from "@effect/vitest"
import * as Compact from "../../../src/call/conversation/Compact.ts"

describe("compaction", () => {
  it("is not asked for without options", () => {
    const prompt = { messages: [] }
    assert.strictEqual(Compact.enable(prompt, undefined), prompt)
  })

  it("is not asked for twice by a prompt that names the beta itself", () => {
    const { betas } = Compact.enable({ messages: [], betas: ["compact-2026-01-12"] }, {})
    assert.deepStrictEqual(betas, ["compact-2026-01-12"])
  })

  it("begins at the size of the API's default, beside other betas and edits", () => {
    const clearing = { type: "clear_tool_uses_20250919" as const }
    const prompt = { messages: [], betas: ["other"], context_management: { edits: [clearing] } }
    assert.deepStrictEqual(Compact.enable(prompt, {}), {
      messages: [],
      betas: ["other", "compact-2026-01-12"],
      context_management: {
        edits: [clearing, { type: "compact_20260112", trigger: { type: "input_tokens", value: 150_000 } }]
      }
    })
  })
})
