import { assert, describe, it } from "@effect/vitest"
import type { CallSite } from "../../../src/claude/CallSite.ts"
import * as TokenEstimate from "../../../src/claude/TokenEstimate.ts"
import * as Estimate from "../../../src/policy/rateLimit/Estimate.ts"
import { request } from "../../fixtures.ts"

describe("before the first answer", () => {
  it("input is estimated from the prompt, and output is a quarter of max_tokens", () => {
    const amounts = Estimate.make()({ ...request, max_tokens: 4000 }, at("ask")).amounts(false)
    assert.deepStrictEqual(amounts, { requests: 1, inputTokens: TokenEstimate.of(request), outputTokens: 1000 })
  })
})

describe("after answers", () => {
  it("input follows the prompt, in the proportion of earlier calls of the step", () => {
    const estimate = Estimate.make()
    const first = estimate(request, at("ask"))
    first.observe({ requests: 1, inputTokens: first.amounts(true).inputTokens * 2, outputTokens: 30 })
    const long = { ...request, system: "Be brief. ".repeat(50) }
    assert.strictEqual(estimate(long, at("ask")).amounts(true).inputTokens, TokenEstimate.of(long) * 2)
  })

  it("input is the mean of the step if it is not scarce", () => {
    const estimate = Estimate.make()
    estimate(request, at("ask")).observe({ requests: 1, inputTokens: 700, outputTokens: 30 })
    const long = { ...request, system: "Be brief. ".repeat(50) }
    assert.strictEqual(estimate(long, at("ask")).amounts(false).inputTokens, 700)
  })

  it("output is the mean of the step, but at most max_tokens", () => {
    const estimate = Estimate.make()
    for (const outputTokens of [20, 40]) {
      estimate(request, at("ask")).observe({ requests: 1, inputTokens: 10, outputTokens })
    }
    assert.closeTo(estimate(request, at("ask")).amounts(false).outputTokens, 30, 0.5)
    assert.strictEqual(estimate({ ...request, max_tokens: 5 }, at("ask")).amounts(false).outputTokens, 5)
  })

  it("other steps and other models are not affected", () => {
    const estimate = Estimate.make()
    estimate(request, at("ask")).observe({ requests: 1, inputTokens: 10, outputTokens: 99 })
    assert.strictEqual(estimate(request, at("judge")).amounts(false).outputTokens, 25)
    const other = { ...request, model: "claude-haiku-5-5" }
    assert.strictEqual(estimate(other, at("ask")).amounts(false).outputTokens, 25)
  })
})

// Builders

const at = (step: string): CallSite => ({ job: undefined, row: undefined, path: [step], labels: {} })
