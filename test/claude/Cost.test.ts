import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Schema from "effect/Schema"
import * as Cost from "../../src/claude/Cost.ts"
import * as Models from "../../src/claude/Models.ts"
import * as Usage from "../../src/claude/Usage.ts"
import type { Request } from "../../src/claude/Request.ts"
import { message, request as smallest } from "../fixtures.ts"

/** Thousandths of a dollar for a million tokens are billionths of a dollar for one: no float, nothing from src. */
const nanodollars = {
  "claude-fable-5-2": [8000n, 40_000n, 10_000n, 16_000n, 200n],
  "claude-fable-5-1": [10_000n, 50_000n, 12_500n, 20_000n, 250n],
  "claude-opus-5-5": [4000n, 20_000n, 5000n, 8000n, 200n],
  "claude-opus-4-5": [5000n, 25_000n, 6250n, 10_000n, 500n],
  "claude-sonnet-5-5": [2000n, 10_000n, 2500n, 4000n, 100n],
  "claude-sonnet-4-6": [3000n, 15_000n, 3750n, 6000n, 300n],
  "claude-haiku-4-5": [1000n, 5000n, 1250n, 2000n, 100n]
} as const

const Model = Schema.Literals([
  "claude-fable-5-2",
  "claude-fable-5-1",
  "claude-opus-5-5",
  "claude-opus-4-5",
  "claude-sonnet-5-5",
  "claude-sonnet-4-6",
  "claude-haiku-4-5"
])
const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))
const Tokens = Schema.Struct({
  input: Count,
  output: Count,
  cacheWrite5m: Count,
  cacheWrite1h: Count,
  cacheRead: Count
})
const Flags = Schema.Struct({ us: Schema.Boolean, batch: Schema.Boolean })

const zero = BigDecimal.fromBigInt(0n)

describe("Cost.of", () => {
  it("prices each class of tokens at its own rate", () => {
    const usage = { ...Usage.zero, input: 1000, output: 500, cacheWrite5m: 200, cacheWrite1h: 100, cacheRead: 50_000 }
    // 1000 × $4 + 500 × $20 + 200 × $5 + 100 × $8 + 50,000 × $0.20 = $25,800 for a million answers
    assert.strictEqual(dollars(Cost.of({ model: "claude-opus-5-5", usage, at })), "0.0258")
  })

  it.prop("equals integer arithmetic to the last digit", [Tokens, Model, Flags], ([tokens, model, flags]) => {
    const facts = { ...(flags.us && { inferenceGeo: "us" }), ...(flags.batch && { serviceTier: "batch" }) }
    const cost = Cost.of({ model, usage: { ...Usage.zero, ...tokens, ...facts }, at })
    const [input, output, write5m, write1h, read] = nanodollars[model]
    const exact =
      (BigInt(tokens.input) * input +
        BigInt(tokens.output) * output +
        BigInt(tokens.cacheWrite5m) * write5m +
        BigInt(tokens.cacheWrite1h) * write1h +
        BigInt(tokens.cacheRead) * read) *
      (flags.us ? 11n : 10n) *
      (flags.batch ? 1n : 2n)
    assert.isTrue(cost !== undefined && BigDecimal.equals(times(cost, 20_000_000_000n), BigDecimal.fromBigInt(exact)))
  })

  it.prop("grows with every token and by no more than its price", [Tokens, Model], ([tokens, model]) => {
    const whole = Cost.of({ model, usage: { ...Usage.zero, ...tokens }, at })
    const parts = Object.entries(tokens).map(([name, count]) =>
      Cost.of({ model, usage: { ...Usage.zero, [name]: count }, at })
    )
    const added = parts.reduce((total, part) => total && part && BigDecimal.sum(total, part), BigDecimal.fromBigInt(0n))
    assert.strictEqual(dollars(whole), dollars(added))
  })

  it("halves every class of tokens in a batch", () => {
    const usage = { ...Usage.zero, input: 1000, output: 500, cacheRead: 50_000 }
    const direct = dollars(Cost.of({ model: "claude-opus-5-5", usage, at }))
    const batch = dollars(Cost.of({ model: "claude-opus-5-5", usage: { ...usage, serviceTier: "batch" }, at }))
    assert.deepStrictEqual([direct, batch], ["0.024", "0.012"])
  })

  it("knows what a batch saved: half of its tokens' price, and nothing of its searches", () => {
    const usage = { ...Usage.zero, input: 1_000_000, webSearches: 100 }
    const costs = ["batch", "standard"].map((serviceTier) => {
      const billed = { ...usage, serviceTier }
      const cost = Cost.of({ model: "claude-sonnet-5-5", usage: billed, at: new Date(0) })
      return { cost, saved: Cost.batchSaved({ usage: billed, cost }) }
    })
    const [batch, direct] = costs
    assert.isTrue(BigDecimal.equals(batch?.saved ?? assert.fail(), BigDecimal.fromStringUnsafe("1")))
    assert.isTrue(
      BigDecimal.equals(BigDecimal.sum(batch?.cost ?? zero, batch?.saved ?? zero), direct?.cost ?? assert.fail())
    )
    assert.isTrue(BigDecimal.isZero(direct?.saved ?? assert.fail()))
    assert.isTrue(BigDecimal.isZero(Cost.batchSaved({ usage: { ...usage, serviceTier: "batch" }, cost: undefined })))
  })

  it("prices the whole prompt of Haiku 5.5 at the higher rates if it has more than 100,000 tokens", () => {
    const prompt = { ...Usage.zero, input: 40_000, cacheWrite5m: 30_000, cacheRead: 30_000, output: 1000 }
    assert.strictEqual(dollars(Cost.of({ model: "claude-haiku-5-5", usage: prompt, at })), "0.00855")
    const longer = { ...prompt, cacheRead: 30_001 }
    assert.strictEqual(dollars(Cost.of({ model: "claude-haiku-5-5", usage: longer, at })), "0.04275005")
    const talkative = { ...prompt, output: 200_000 }
    assert.strictEqual(dollars(Cost.of({ model: "claude-haiku-5-5", usage: talkative, at })), "0.10805")
  })

  it("prices a prompt above 200,000 tokens at the higher rates for Sonnet 4.5, but not for Sonnet 4.6", () => {
    const usage = { ...Usage.zero, input: 200_001, output: 1000 }
    assert.strictEqual(dollars(Cost.of({ model: "claude-sonnet-4-5-20250929", usage, at })), "1.222506")
    assert.strictEqual(dollars(Cost.of({ model: "claude-sonnet-4-6", usage, at })), "0.615003")
  })

  it("prices a prompt above 200,000 tokens at the higher rates for the 4.6 models until 13 March 2026", () => {
    const usage = { ...Usage.zero, input: 200_001, output: 1000 }
    const cost = (model: string, day: string, speed = "standard") =>
      dollars(Cost.of({ model, usage: { ...usage, speed }, at: new Date(day) }))
    assert.strictEqual(cost("claude-sonnet-4-6", "2026-03-12"), "1.222506")
    assert.strictEqual(cost("claude-sonnet-4-6", "2026-03-13"), "0.615003")
    assert.strictEqual(cost("claude-opus-4-6", "2026-03-12"), "2.03751")
    assert.strictEqual(cost("claude-opus-4-6", "2026-03-13"), "1.025005")
    assert.strictEqual(cost("claude-opus-4-6", "2026-03-12", "fast"), "no price")
    assert.strictEqual(cost("claude-opus-4-6", "2026-03-13", "fast"), "6.15003")
  })

  it("uses the price of the day", () => {
    const usage = { ...Usage.zero, cacheRead: 1_000_000 }
    const before = Cost.of({ model: "claude-sonnet-5-5", usage, at: new Date("2026-10-06T23:59:59.999Z") })
    const after = Cost.of({ model: "claude-sonnet-5-5", usage, at: new Date("2026-10-07T00:00:00Z") })
    assert.deepStrictEqual([dollars(before), dollars(after)], ["0.2", "0.1"])
  })

  it("has separate prices for fast mode, and no price if the model has no fast mode", () => {
    const usage = { ...Usage.zero, input: 1_000_000, output: 1_000_000, cacheRead: 1_000_000, speed: "fast" }
    const cost = (model: string) => dollars(Cost.of({ model, usage, at }))
    assert.strictEqual(cost("claude-opus-5-5"), "48.4")
    assert.strictEqual(cost("claude-fable-5-2"), "96.4")
    assert.strictEqual(cost("claude-opus-4-8"), "61")
    assert.strictEqual(cost("claude-sonnet-5-5"), "no price")
  })

  it("adds a tenth for inference in the US only", () => {
    const usage = { ...Usage.zero, input: 1000, output: 1000, webSearches: 1 }
    const cost = (inferenceGeo: string) =>
      dollars(Cost.of({ model: "claude-sonnet-5-5", usage: { ...usage, inferenceGeo }, at }))
    assert.deepStrictEqual(["us", "global", "not_available"].map(cost), ["0.0232", "0.022", "0.022"])
  })

  it("charges a cent for a web search, in a batch too", () => {
    const usage = { ...Usage.zero, output: 1000, webSearches: 3 }
    assert.strictEqual(dollars(Cost.of({ model: "claude-sonnet-5-5", usage, at })), "0.04")
    assert.strictEqual(
      dollars(Cost.of({ model: "claude-sonnet-5-5", usage: { ...usage, serviceTier: "batch" }, at })),
      "0.035"
    )
  })

  it("prices additional usage by its own model and its own prompt", () => {
    const haiku = { ...Usage.zero, input: 60_000, output: 1000 }
    const compacted = { ...haiku, besides: [{ ...none, input: 90_000, output: 2000 }] }
    assert.strictEqual(dollars(Cost.of({ model: "claude-haiku-5-5", usage: compacted, at })), "0.0165")
    const advised = { ...haiku, besides: [{ ...none, input: 1000, output: 1000, model: "claude-opus-5-5" }] }
    assert.strictEqual(dollars(Cost.of({ model: "claude-haiku-5-5", usage: advised, at })), "0.0305")
  })

  it("has no price for an unknown model, in additional usage too, or for Priority Tier", () => {
    const usage = { ...Usage.zero, input: 1000 }
    for (const model of ["claude-opus-9", "claude-mythos-5-2", "us.anthropic.claude-opus-5-5", ""]) {
      assert.isUndefined(Cost.of({ model, usage, at }), model)
    }
    const advised = { ...usage, besides: [{ ...none, model: "claude-opus-9" }] }
    assert.isUndefined(Cost.of({ model: "claude-opus-5-5", usage: advised, at }))
    assert.isUndefined(Cost.of({ model: "claude-opus-5-5", usage: { ...usage, serviceTier: "priority" }, at }))
  })

  it("has no price for facts that it does not know", () => {
    const usage = { ...Usage.zero, input: 1000 }
    const unknown = [{ serviceTier: "gold" }, { speed: "slow" }, { inferenceGeo: "mars" }, { unpriced: ["rehearsal"] }]
    for (const facts of unknown) {
      const options = { model: "claude-sonnet-5-5", usage: { ...usage, ...facts }, at }
      assert.isUndefined(Cost.of(options), JSON.stringify(facts))
    }
  })

  it("prices every model that has a price list", () => {
    for (const { id, prices } of Models.all) {
      const cost = Cost.of({ model: id, usage: { ...Usage.zero, output: 1 }, at })
      assert.strictEqual(cost !== undefined && BigDecimal.isPositive(cost), prices.length > 0, id)
    }
  })
})

describe("Cost.bound", () => {
  const Share = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60_000 }))
  const Answer = Schema.Struct({ plain: Share, short: Share, long: Share, read: Share, output: Share })

  it.prop(
    "is at least the cost of every answer that the request allows",
    [Answer, Model, Flags],
    ([answer, model, flags]) => {
      const tokens = {
        input: answer.plain,
        cacheWrite5m: answer.short,
        cacheWrite1h: answer.long,
        cacheRead: answer.read,
        output: answer.output
      }
      const facts = { ...(flags.us && { inferenceGeo: "us" }), ...(flags.batch && { serviceTier: "batch" }) }
      const cost = Cost.of({ model, usage: { ...Usage.zero, ...tokens, ...facts }, at })
      const bound = Cost.bound({
        request: { ...cached("1h"), model, max_tokens: answer.output },
        inputTokens: Usage.totalInput(tokens),
        serviceTier: flags.batch ? "batch" : "standard",
        at
      })
      assert.isTrue(cost !== undefined && bound !== undefined && BigDecimal.isLessThanOrEqualTo(cost, bound))
    }
  )

  it("takes the dearest rate that the breakpoints allow", () => {
    // $2.50 × 1.1, $4 × 1.1, and $2 × 1.1 for a million tokens; 1,000 tokens of output for $10 × 1.1
    assert.strictEqual(bounded(cached("5m")), "2.761")
    assert.strictEqual(bounded(cached("1h")), "4.411")
    assert.strictEqual(bounded(request), "2.211")
  })

  it("leaves out the surcharge of the US for a request that must not stay there", () => {
    assert.strictEqual(bounded({ ...request, inference_geo: "global" }), "2.01")
    assert.strictEqual(bounded({ ...request, inference_geo: "us" }), "2.211")
  })

  it("takes half in a batch, the rates of fast mode, and those of a long prompt", () => {
    const global = { ...request, inference_geo: "global" } as const
    assert.strictEqual(bounded(global, { serviceTier: "batch" }), "1.005")
    assert.strictEqual(bounded({ ...global, model: "claude-opus-5-5", speed: "fast" }), "8.04")
    assert.strictEqual(bounded({ ...global, model: "claude-haiku-5-5" }, { inputTokens: 100_000 }), "0.0105")
    assert.strictEqual(bounded({ ...global, model: "claude-haiku-5-5" }, { inputTokens: 100_001 }), "0.0525005")
  })

  it("is unknown without a price, and where the API may iterate within the call", () => {
    const unknown: ReadonlyArray<Request> = [
      { ...request, model: "claude-opus-9" },
      { ...request, speed: "fast" },
      { ...request, tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 1 }] },
      { ...request, fallbacks: [{ model: "claude-opus-5-5" }] }
    ]
    for (const one of unknown) assert.strictEqual(bounded(one), "no price", JSON.stringify(one))
  })
})

describe("Cost.saved", () => {
  it.prop(
    "is the exact difference from the cost of uncached input",
    [Tokens, Model, Flags],
    ([tokens, model, flags]) => {
      const facts = { ...(flags.us && { inferenceGeo: "us" }), ...(flags.batch && { serviceTier: "batch" }) }
      const saved = Cost.saved({ model, usage: { ...Usage.zero, ...tokens, ...facts }, at })
      const [input, , write5m, write1h, read] = nanodollars[model]
      const exact =
        (BigInt(tokens.cacheWrite5m) * (input - write5m) +
          BigInt(tokens.cacheWrite1h) * (input - write1h) +
          BigInt(tokens.cacheRead) * (input - read)) *
        (flags.us ? 11n : 10n) *
        (flags.batch ? 1n : 2n)
      assert.isTrue(
        saved !== undefined && BigDecimal.equals(times(saved, 20_000_000_000n), BigDecimal.fromBigInt(exact))
      )
    }
  )

  it("includes additional usage, and is unknown if a price is unknown", () => {
    const advised = { ...Usage.zero, besides: [{ ...none, cacheRead: 1_000_000, model: "claude-opus-5-5" }] }
    assert.strictEqual(dollars(Cost.saved({ model: "claude-haiku-4-5", usage: advised, at })), "3.8")
    assert.isUndefined(Cost.saved({ model: "claude-opus-9", usage: { ...Usage.zero, cacheRead: 1 }, at }))
  })
})

describe("Cost.bill", () => {
  it("is computed once for each message and day, at the price of the day", () => {
    const cached = message({ content: ["Hi"], usage: { cache_read_input_tokens: 1_000_000, output_tokens: 0 } })
    const bill = Cost.bill(cached, new Date("2026-10-06T00:00:00Z"))
    assert.deepStrictEqual(
      [bill.usage.cacheRead, dollars(bill.cost), dollars(bill.saved)],
      [1_000_000, "0.20002", "1.8"]
    )
    assert.strictEqual(Cost.bill(cached, new Date("2026-10-06T23:59:59.999Z")), bill)
    const next = Cost.bill(cached, new Date("2026-10-07T00:00:00Z"))
    assert.deepStrictEqual([dollars(next.cost), dollars(next.saved)], ["0.10002", "1.9"])
  })

  it("is zero for an answer from a cache", () => {
    const reply = { message: message(), requestId: undefined, origin: "cache", rateLimits: undefined } as const
    assert.strictEqual(dollars(Cost.billed(reply, at)), "0")
    assert.strictEqual(dollars(Cost.billed({ ...reply, origin: "api" }, at)), "0.00022")
  })
})

describe("Cost.sum", () => {
  const dollars = (text: string) => BigDecimal.fromStringUnsafe(text)

  it("adds exactly, and is zero for no costs", () => {
    assert.strictEqual(BigDecimal.format(Cost.sum([dollars("0.1"), dollars("0.2")]) ?? dollars("-1")), "0.3")
    assert.strictEqual(BigDecimal.format(Cost.sum([]) ?? dollars("-1")), "0")
  })

  it("is unknown if one of the costs is unknown", () => {
    assert.isUndefined(Cost.sum([dollars("0.1"), undefined, dollars("0.2")]))
  })
})

describe("Cost.format", () => {
  it("shows cents from one dollar on, and at least four decimals and two digits below", () => {
    const formatted = ["0", "0.0123", "0.5", "0.00256", "0.0000125", "0.00000001", "1", "12.345", "1234.5", "0.99999"]
    assert.deepStrictEqual(
      formatted.map((text) => Cost.format(BigDecimal.fromStringUnsafe(text))),
      ["$0.00", "$0.0123", "$0.5000", "$0.0026", "$0.000013", "$0.000000010", "$1.00", "$12.35", "$1234.50", "$1.0000"]
    )
  })

  it("reports an unknown price", () => {
    assert.strictEqual(Cost.format(undefined), "no known price")
  })

  it.prop("never shows a positive cost as zero, and is off by at most half of its last digit", [Tokens], ([tokens]) => {
    const cost = Cost.of({ model: "claude-haiku-5-5", usage: { ...Usage.zero, ...tokens }, at })
    const shown = Cost.format(cost).slice(1)
    if (cost === undefined) return false
    const number = BigDecimal.fromStringUnsafe(shown)
    const decimals = shown.length - shown.indexOf(".") - 1
    const error = BigDecimal.abs(BigDecimal.subtract(number, cost))
    return (
      BigDecimal.isLessThanOrEqualTo(error, BigDecimal.make(5n, decimals + 1)) &&
      BigDecimal.isZero(number) === BigDecimal.isZero(cost)
    )
  })
})

describe("Cost.byKind", () => {
  it.prop("adds up to the cost of the answer", [Tokens, Model, Flags, Tokens], ([tokens, model, flags, beside]) => {
    const usage = {
      ...Usage.zero,
      ...tokens,
      webSearches: 2,
      besides: [{ ...beside, model: "claude-haiku-5-5" }],
      ...(flags.us && { inferenceGeo: "us" }),
      ...(flags.batch && { serviceTier: "batch" })
    }
    const costs = Cost.byKind({ model, usage, at })
    const total = Cost.of({ model, usage, at })
    return (
      costs !== undefined &&
      total !== undefined &&
      BigDecimal.equals(BigDecimal.sumAll(Cost.kinds.map((kind) => costs[kind])), total)
    )
  })

  it("has the higher rates of a long prompt for every kind, and no price of an unknown model", () => {
    const usage = { ...Usage.zero, input: 50_000, cacheRead: 100_000 }
    const long = Cost.byKind({ model: "claude-haiku-5-5", usage, at })
    const short = Cost.byKind({ model: "claude-haiku-5-5", usage: { ...usage, cacheRead: 0 }, at })
    assert.isTrue(long && short && BigDecimal.isGreaterThan(long.input, short.input))
    assert.isUndefined(Cost.byKind({ model: "claude-unknown-9", usage, at }))
  })
})

const request: Request = { ...smallest, max_tokens: 1000 }

const cached = (ttl: Models.CacheTtl): Request => ({
  ...request,
  system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral", ttl } }]
})

const bounded = (request: Request, options?: Partial<Parameters<typeof Cost.bound>[0]>) =>
  dollars(Cost.bound({ request, inputTokens: 1_000_000, serviceTier: "standard", at, ...options }))

const at = new Date("2026-11-23T12:00:00Z")

const none: Usage.Tokens = { input: 0, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 }

const dollars = (cost: BigDecimal.BigDecimal | undefined) => (cost ? BigDecimal.format(cost) : "no price")

const times = (cost: BigDecimal.BigDecimal, factor: bigint) => BigDecimal.multiply(cost, BigDecimal.fromBigInt(factor))
