import { assert, describe, it } from "@effect/vitest"
import * as Learnt from "../../../src/pipeline/estimate/Learnt.ts"
import { request } from "../../fixtures.ts"

describe("the tokens of prompts", () => {
  it("are estimated, with the errors that the estimate has, where fewer than three are counted", () => {
    const counted = [counts(100, 120), counts(100, 120)]
    assert.deepInclude(Learnt.inputOf(counted)("a"), { expected: 1, basis: "assumed" })
    assert.isBelow(Learnt.inputOf([])("a").low, 0.87)
    assert.isAbove(Learnt.inputOf([])("a").high, 1.49)
  })

  it("follow the counts of the same step, and of no other", () => {
    const inputOf = Learnt.inputOf([counts(100, 120), counts(200, 240), counts(300, 360)])
    assert.deepStrictEqual(inputOf("a"), { expected: 1.2, low: 0.99, high: 1.01, basis: "measured" })
    assert.deepInclude(inputOf("b"), { basis: "assumed" })
  })
})

describe("the tokens of answers", () => {
  const none = Learnt.outputOf([])

  it("are a quarter of max_tokens, up to 500, where nothing is known, and anything from none to four times that", () => {
    assert.deepInclude(none("a", { ...request, max_tokens: 4096 }, 20), { expected: 500, low: 0, high: 4 })
    assert.deepInclude(none("a", { ...request, max_tokens: 100 }, 20), { expected: 25, low: 0, high: 4 })
  })

  it("are those of a made-up answer where a schema decides, but no more than max_tokens", () => {
    const format = { type: "json_schema", schema: { type: "object" } } as const
    const structured = { ...request, max_tokens: 100, output_config: { format } }
    assert.deepInclude(none("a", structured, 20), { expected: 20, low: 0.5, high: 4, basis: "assumed" })
    assert.deepInclude(none("a", structured, 300), { expected: 100, high: 1 })
  })

  it("may use all of max_tokens where Claude thinks", () => {
    const thinking = { ...request, max_tokens: 8000, thinking: { type: "enabled", budget_tokens: 4000 } } as const
    assert.deepInclude(none("a", thinking, 20), { expected: 2000, low: 0, high: 4 })
  })

  it("are the mean of the replies of the same step, within its 95 % interval", () => {
    const answered = [10, 20, 30].map((output) => ({ path: "a", output }))
    const { basis, expected, high, low } = Learnt.outputOf(answered)("a", request, undefined)
    assert.deepStrictEqual({ basis, expected }, { basis: "measured", expected: 20 })
    assert.closeTo(high - 1, 1 - low, 1e-9)
    // 10 tokens of deviation over the root of 3, times Student's 4.3 for two degrees of freedom.
    assert.isAtLeast(high, 1.99)
  })
})

// Builders

function counts(estimated: number, tokens: number) {
  return { path: "a", estimated, tokens }
}
