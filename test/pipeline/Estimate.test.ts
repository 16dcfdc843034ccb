import { assert, describe, it } from "@effect/vitest"
import { PromptCache } from "effect-claude"
import * as Estimate from "../../src/pipeline/Estimate.ts"
import { request } from "../fixtures.ts"

describe("an estimate", () => {
  it("has nothing to pay for without rows", () => {
    const { calls, cost, most, steps, time } = Estimate.of(observed({ rows: 0, size: 0, sample: [] }))
    const nothing = { low: 0, expected: 0, high: 0 }
    assert.deepStrictEqual({ calls, most, steps }, { calls: nothing, most: 0, steps: [] })
    assert.deepStrictEqual(cost, { direct: nothing, batches: nothing })
    assert.strictEqual(time.atConcurrency, 0)
  })

  it("prices the tokens of prompts and answers, and halves them in batches", () => {
    const { cost, inputTokens, outputTokens } = Estimate.of(observed({}))
    const expected = inputTokens.expected * 2e-6 + outputTokens.expected * 1e-5
    assert.closeTo(cost.direct?.expected ?? 0, expected, expected / 100)
    assert.closeTo(cost.batches?.expected ?? 0, expected / 2, expected / 100)
    assert.isBelow(cost.direct?.low ?? 0, expected)
    assert.isAbove(cost.direct?.high ?? 0, 2 * expected)
  })

  it("reads a shared prefix from the prompt cache, at a tenth of the price or less", () => {
    const system = "This sentence is part of a long system prompt. ".repeat(500)
    const { cachedCost, cacheReadTokens, cost, inputTokens } = Estimate.of(
      observed({ request: { ...request, system } })
    )
    assert.isAbove(cacheReadTokens, 0.9 * inputTokens.expected)
    assert.isBelow(cachedCost.direct?.expected ?? 0, 0.7 * (cost.direct?.expected ?? 0))
  })

  it("has no cost where a model has no known price, and names the model", () => {
    const { cost, most, unpriced } = Estimate.of(observed({ request: { ...request, model: "claude-unknown-1" } }))
    assert.deepStrictEqual(
      { cost, most, unpriced },
      {
        cost: { direct: undefined, batches: undefined },
        most: undefined,
        unpriced: ["claude-unknown-1"]
      }
    )
  })

  it("takes the time of the limit that binds most, for each group of models, and that of calls one after the other", () => {
    const limits = { requestsPerMinute: 10, inputTokensPerMinute: 1_000_000, outputTokensPerMinute: 1000 }
    const { outputTokens, time } = Estimate.of(observed({ limits, concurrency: 1 }))
    assert.closeTo(time.atLimits ?? 0, (60 * outputTokens.expected) / 1000, 1)
    const { firstToken, tokensPerSecond } = Estimate.assumedLatency
    assert.closeTo(time.atConcurrency, 100 * firstToken + outputTokens.expected / tokensPerSecond, 1)
    assert.isUndefined(Estimate.of(observed({})).time.atLimits)
  })

  it("takes the time of an answer from finished rows, and the lower of a stated limit and one that the API reported", () => {
    const timed = [1, 2, 3].map((seconds) => ({ path: "ask", seconds }))
    const learntLimits = { "claude-sonnet-5": { requestsPerMinute: 5 }, other: { requestsPerMinute: 1 } }
    const { time } = Estimate.of(observed({ timed, learntLimits, limits: { requestsPerMinute: 10 }, concurrency: 1 }))
    assert.closeTo(time.atConcurrency, 200, 1)
    assert.strictEqual(time.latencyBasis, "measured")
    assert.closeTo(time.atLimits ?? 0, 60 * 20, 1)
    const few = Estimate.of(observed({ timed: timed.slice(1), limits: { requestsPerMinute: 4 }, learntLimits }))
    assert.strictEqual(few.time.latencyBasis, "assumed")
    assert.closeTo(few.time.atLimits ?? 0, 60 * 25, 1)
  })

  it("says that the API may read a prompt several times within a call", () => {
    const tools = [{ type: "web_search_20250305", name: "web_search" }] as const
    assert.isTrue(Estimate.of(observed({ request: { ...request, tools: [...tools] } })).mayIterate)
    assert.isFalse(Estimate.of(observed({})).mayIterate)
  })
})

// Builders

/** A hundred rows of one call each, of which ten are in the sample. */
function observed(
  fields: Partial<Estimate.Observed> & { readonly request?: Estimate.Call["request"] }
): Estimate.Observed {
  const { request: base = { ...request, model: "claude-sonnet-5-5", max_tokens: 4096 }, ...others } = fields
  const sample = Array.from({ length: 10 }, (_, index) => {
    const messages = [{ role: "user" as const, content: `Question ${index}: ${"why? ".repeat(50)}` }]
    return { size: 260, calls: [{ path: "ask", request: { ...base, messages }, standIn: undefined }] }
  })
  return {
    rows: 100,
    size: 26_000,
    sample,
    answered: [],
    counted: [],
    timed: [],
    learntLimits: {},
    place: (request) => PromptCache.place(request),
    limits: {},
    concurrency: 64,
    at: new Date("2026-11-28"),
    ...others
  }
}
