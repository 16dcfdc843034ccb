import type { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Usage from "../../src/claude/Usage.ts"

describe("Usage.fromMessage", () => {
  it("reads every class of priced tokens, and the facts that determine the price", () => {
    const usage = Usage.fromMessage({
      ...apiUsage,
      cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 30 },
      cache_creation_input_tokens: 230,
      cache_read_input_tokens: 4000,
      server_tool_use: { web_search_requests: 3 },
      speed: "fast",
      service_tier: "standard",
      inference_geo: "us"
    })
    assert.deepStrictEqual(usage, {
      input: 10,
      output: 20,
      cacheWrite5m: 200,
      cacheWrite1h: 30,
      cacheRead: 4000,
      webSearches: 3,
      speed: "fast",
      serviceTier: "standard",
      inferenceGeo: "us"
    })
    assert.strictEqual(Usage.totalInput(usage), 4240)
  })

  it("counts null or missing tokens as zero", () => {
    assert.deepStrictEqual(Usage.fromMessage(apiUsage), { ...Usage.zero, input: 10, output: 20 })
    assert.deepStrictEqual(Usage.fromMessage({}), Usage.zero)
  })

  it("counts invalid numbers as zero, skips facts that are not texts, and always persists", () => {
    const { webSearches: _, ...none } = Usage.zero
    const odd = JSON.parse(`{
      "input_tokens": -1,
      "output_tokens": 20,
      "cache_read_input_tokens": "1",
      "cache_creation_input_tokens": 1.5,
      "cache_creation": { "ephemeral_5m_input_tokens": 1e300, "ephemeral_1h_input_tokens": {} },
      "server_tool_use": { "web_search_requests": [] },
      "speed": 1,
      "service_tier": {},
      "iterations": [null, 1, { "type": "compaction", "input_tokens": -5, "output_tokens": 7, "model": 5 }]
    }`)
    const usage = Usage.fromMessage(odd)
    assert.deepStrictEqual(usage, { ...Usage.zero, output: 20, besides: [{ ...none, output: 7 }] })
    assert.deepStrictEqual(Usage.fromMessage({ ...odd, iterations: {} }), { ...Usage.zero, output: 20 })
    assert.deepStrictEqual(Schema.decodeSync(Usage.Usage)(usage), usage)
  })

  it("counts cache writes as 5-minute writes if the split is missing or smaller", () => {
    const whole = Usage.fromMessage({ cache_creation_input_tokens: 500 })
    assert.deepStrictEqual(whole, { ...Usage.zero, cacheWrite5m: 500 })
    const split = { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 50 }
    const grown = Usage.fromMessage({ cache_creation_input_tokens: 500, cache_creation: split })
    assert.deepStrictEqual(grown, { ...Usage.zero, cacheWrite5m: 450, cacheWrite1h: 50 })
    const alone = Usage.fromMessage({ cache_creation: split })
    assert.deepStrictEqual(alone, { ...Usage.zero, cacheWrite5m: 100, cacheWrite1h: 50 })
  })

  it("adds compactions and advisors, which the totals of the API leave out", () => {
    const usage = Usage.fromMessage({
      ...betaUsage,
      iterations: [
        { ...iteration, type: "compaction", input_tokens: 180_000, output_tokens: 3500 },
        { ...iteration, type: "message", model: "claude-sonnet-5-5", input_tokens: 4, output_tokens: 5 },
        { ...iteration, type: "advisor_message", model: "claude-opus-5-5", input_tokens: 823, output_tokens: 1612 },
        { ...iteration, type: "message", model: "claude-sonnet-5-5", input_tokens: 6, output_tokens: 15 }
      ]
    })
    assert.deepStrictEqual(usage, {
      ...Usage.zero,
      input: 10,
      output: 20,
      besides: [
        { ...none, input: 180_000, output: 3500 },
        { ...none, input: 823, output: 1612, model: "claude-opus-5-5" }
      ]
    })
  })

  it("names iterations and requests of tools that it does not know, because they may have a price", () => {
    const [iteration, odd] = [{ ...JSON.parse("{}"), type: "rehearsal" }, JSON.parse('{"type": 5}')]
    const usage = Usage.fromMessage({
      ...apiUsage,
      server_tool_use: JSON.parse('{"web_search_requests": 1, "web_fetch_requests": 2, "oracle_requests": 3, "a": 0}'),
      iterations: [iteration, iteration, odd]
    })
    assert.deepStrictEqual(usage.unpriced, ["rehearsal", "iteration", "oracle_requests"])
    assert.deepStrictEqual(Schema.decodeSync(Usage.Usage)(usage), usage)
  })

  it("adds a model that declined midway before a fallback, but not one that declined at once", () => {
    const usage = Usage.fromMessage({
      ...betaUsage,
      iterations: [
        { ...iteration, type: "message", model: "claude-fable-5-2", input_tokens: 535, output_tokens: 0 },
        { ...iteration, type: "message", model: "claude-opus-5-5", input_tokens: 400, output_tokens: 578 },
        { ...iteration, type: "message", model: "claude-opus-5", input_tokens: 4, output_tokens: 5 },
        { ...iteration, type: "fallback_message", model: "claude-opus-5", input_tokens: 6, output_tokens: 15 }
      ]
    })
    assert.deepStrictEqual(usage.besides, [{ ...none, input: 400, output: 578, model: "claude-opus-5-5" }])
  })
})

describe("Usage.billed", () => {
  it("does not bill a refusal before any output", () => {
    for (const category of ["cyber", "general_harms", null]) {
      assert.deepStrictEqual(Usage.billed(refusal(category)), { ...Usage.zero, serviceTier: "standard" })
    }
  })

  it.each([{ text: "" }, { text: null }, {}])(
    "does not bill a refusal before any output that left a text block empty: %j",
    (fields) => {
      const empty = { ...refusal("cyber"), content: [{ type: "text", ...fields }] }
      assert.deepStrictEqual(Usage.billed(empty), { ...Usage.zero, serviceTier: "standard" })
    }
  )

  it("bills a refusal midway, one of the billed categories, and one without details", () => {
    const bio = refusal("bio")
    assert.strictEqual(Usage.billed(bio).input, 412)
    assert.strictEqual(Usage.billed({ ...refusal("cyber"), content: [{ type: "text", text: "First," }] }).input, 412)
    assert.strictEqual(Usage.billed({ ...refusal("cyber"), content: [{ type: "tool_use", text: "" }] }).input, 412)
    assert.strictEqual(Usage.billed({ ...refusal("cyber"), stop_details: null }).input, 412)
  })

  it("bills any other message by its usage", () => {
    const message = { content: [], stop_reason: "end_turn", stop_details: null, usage: apiUsage }
    assert.deepStrictEqual(Usage.billed(message), Usage.fromMessage(apiUsage))
    assert.strictEqual(Usage.billed({ ...refusal("cyber"), stop_reason: "end_turn" }).input, 412)
  })
})

describe("Usage.sum", () => {
  it.prop(
    "is associative and commutative, and keeps every token",
    [Usage.Usage, Usage.Usage, Usage.Usage],
    ([a, b, c]) => {
      assert.deepStrictEqual(Usage.sum(Usage.sum(a, b), c), Usage.sum(a, Usage.sum(b, c)))
      assert.deepStrictEqual(Usage.sum(a, b), Usage.sum(b, a))
      assert.strictEqual(everyToken(Usage.sum(a, b)), everyToken(a) + everyToken(b))
    }
  )

  it.prop("does not change tokens when nothing is added", [Usage.Tokens], ([tokens]) => {
    assert.deepStrictEqual(Usage.sum(Usage.zero, { ...Usage.zero, ...tokens }), { ...Usage.zero, ...tokens })
  })
})

describe("Usage.Usage", () => {
  it.effect.prop("persists as JSON without loss", [Usage.Usage], ([usage]) =>
    Effect.gen(function* () {
      const json = yield* Schema.encodeEffect(Schema.fromJsonString(Usage.Usage))(usage)
      assert.deepStrictEqual(yield* Schema.decodeEffect(Schema.fromJsonString(Usage.Usage))(json), usage)
    })
  )
})

const none: Usage.Tokens = { input: 0, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 }

const apiUsage: Anthropic.Usage = {
  input_tokens: 10,
  output_tokens: 20,
  cache_creation: null,
  cache_creation_input_tokens: null,
  cache_read_input_tokens: null,
  inference_geo: null,
  output_tokens_details: null,
  server_tool_use: null,
  service_tier: null,
  speed: null
}

const betaUsage: Anthropic.Beta.BetaUsage = { ...apiUsage, fallback_credit: null, iterations: null }

const iteration = { cache_creation: null, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }

const refusal = (category: string | null) => ({
  content: [],
  stop_reason: "refusal",
  stop_details: { category },
  usage: { input_tokens: 412, output_tokens: 0, service_tier: "standard" }
})

const everyToken = (usage: Usage.Usage): number =>
  [usage, ...(usage.besides ?? [])].reduce((total, part) => total + Usage.totalInput(part) + part.output, 0)
