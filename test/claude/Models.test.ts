import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import { readFileSync } from "node:fs"
import * as Models from "../../src/claude/Models.ts"

describe("Models", () => {
  it("knows every model that the SDK names", () => {
    const ids = idsOfSdk()
    assert.isAtLeast(ids.length, 22)
    const missing = ids.filter((id) => Models.find(id) === undefined)
    assert.deepStrictEqual(
      missing,
      [],
      "src/claude/Models.ts lacks models that the SDK names; add their limits and prices"
    )
  })

  it("lists each id once, with limits in proportion", () => {
    assert.strictEqual(new Set(Models.all.map(({ id }) => id)).size, Models.all.length)
    for (const { id, maxInputTokens, maxOutputTokens } of Models.all) {
      assert.isAbove(maxOutputTokens, 0, id)
      assert.isAbove(maxInputTokens, maxOutputTokens, id)
    }
  })

  it("has the minimum of the prompt cache for each model that Anthropic's page lists", () => {
    const least = (id: string) => Models.find(id)?.minCacheTokens
    assert.deepStrictEqual(
      ["claude-haiku-5-5", "claude-sonnet-5", "claude-opus-4-7", "claude-haiku-4-5"].map(least),
      [512, 1024, 2048, 4096]
    )
    const unknown = Models.all.filter(({ minCacheTokens }) => minCacheTokens === undefined).map(({ id }) => id)
    assert.deepStrictEqual(unknown, ["claude-fable-5-2", "claude-mythos-5-2"])
  })

  it("finds aliases and dated ids, but not prefixes", () => {
    assert.strictEqual(Models.find("claude-haiku-4-5")?.prices, Models.find("claude-haiku-4-5-20251001")?.prices)
    const foreign = [
      "claude-opus-5-5-20260922",
      "claude-opus",
      "anthropic.claude-opus-5-5",
      "claude-opus-4-5@20251101",
      ""
    ]
    for (const id of foreign) assert.isUndefined(Models.find(id), id)
  })

  it("agrees with the price list of pi-ai 1.6.0 of 20 November 2026", () => {
    for (const [id, ...expected] of piAi) {
      const model = Models.find(id)
      const rates = model && Models.priceAt(model, new Date("2026-11-20"))?.standard
      const found =
        rates && [rates.input, rates.output, rates.cacheRead, rates.cacheWrite5m].map(BigDecimal.toNumberUnsafe)
      assert.deepStrictEqual(found, expected, id)
    }
  })

  it("prices cache writes at 1.25 and 2 times the input in every list of rates", () => {
    for (const { id, prices } of Models.all) {
      for (const rates of prices.flatMap(({ standard, above, fast }) => [standard, above?.rates, fast])) {
        if (rates === undefined) continue
        assert.isTrue(BigDecimal.equals(rates.cacheWrite5m, times(rates.input, "1.25")), id)
        assert.isTrue(BigDecimal.equals(rates.cacheWrite1h, times(rates.input, "2")), id)
      }
    }
  })

  it("has prices in the order of their days, the first one without a day", () => {
    for (const { id, prices } of Models.all) {
      const days = prices.map(({ from }) => from ?? "")
      assert.deepStrictEqual(days, days.toSorted(), id)
      assert.strictEqual(days[0] ?? "", "", id)
    }
  })

  it("has no price if none is published", () => {
    const unpriced = Models.all.filter(({ prices }) => prices.length === 0).map(({ id }) => id)
    assert.deepStrictEqual(unpriced, ["claude-mythos-5-2", "claude-mythos-preview"])
  })

  it("knows the models that refuse a forced call of a tool, with a date or without", () => {
    const refusing = ["claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-2", "claude-sonnet-5-5-20260901"]
    assert.deepStrictEqual(refusing.filter(Models.acceptsForcedTools), [])
    const accepting = ["claude-haiku-5-5", "claude-opus-5", "claude-sonnet-4-5-20250929", "unknown"]
    assert.deepStrictEqual(accepting.filter(Models.acceptsForcedTools), accepting)
  })

  it("lists the models that will be retired soon", () => {
    assert.strictEqual(Models.find("claude-sonnet-4-5")?.retires, "2026-11-30")
    assert.strictEqual(Models.find("claude-sonnet-4-5-20250929")?.retires, "2026-11-30")
    assert.strictEqual(Models.find("claude-opus-4-5")?.retires, "2027-01-22")
    assert.isUndefined(Models.find("claude-sonnet-5-5")?.retires)
  })
})

describe("the same model has several ids", () => {
  it.each([
    ["claude-sonnet-5-5", "claude-sonnet-5-5"],
    ["claude-sonnet-4-5", "claude-sonnet-4-5-20250929"],
    ["claude-sonnet-4-5-20250929", "claude-sonnet-4-5"],
    ["claude-sonnet-4-5-latest", "claude-sonnet-4-5-20250929"],
    ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929"],
    ["claude-sonnet-4-5@20250929", "claude-sonnet-4-5-20250929"],
    [
      "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
      "claude-sonnet-4-5-20250929"
    ],
    ["our-own-model", "our-own-model"]
  ])("%s is %s", (asked, answered) => {
    assert.isTrue(Models.isSame(asked, answered))
  })

  it.each([
    ["claude-sonnet-5-5", "claude-sonnet-5"],
    ["claude-sonnet-5", "claude-sonnet-5-5"],
    ["claude-opus-5-5", "claude-sonnet-5-5"],
    ["claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20251231"],
    ["us.anthropic.claude-opus-4-8-v1:0", "claude-opus-4-7"],
    ["our-own-model", "claude-sonnet-5-5"]
  ])("but %s is not %s", (asked, answered) => {
    assert.isFalse(Models.isSame(asked, answered))
  })
})

describe("the facts of the prompt cache and of rate limits", () => {
  it("have a minimum for unknown models too", () => {
    assert.deepStrictEqual(
      ["claude-opus-4-6", "claude-fable-5-2", "our-own-model"].map(Models.minCacheTokens),
      [4096, 512, 512]
    )
  })

  it("put the models of one line and version into one group", () => {
    assert.deepStrictEqual(
      ["claude-opus-5-5", "claude-opus-5", "claude-haiku-4-5-20251001", "our-own-model"].map(Models.limitGroup),
      ["claude-opus-5", "claude-opus-5", "claude-haiku-4", "our-own-model"]
    )
  })
})

/** The SDK's `Model` union, read from its declaration: a type cannot be listed at run time. */
const idsOfSdk = (): ReadonlyArray<string> => {
  const file = new URL("../../node_modules/@anthropic-ai/sdk/resources/messages/messages.d.ts", import.meta.url)
  const union = /export type Model =([^;]*);/.exec(readFileSync(file, "utf8"))?.[1] ?? ""
  return Array.from(union.matchAll(/["']([^"']+)["']/g), ([, id]) => id ?? "")
}

const times = (rate: BigDecimal.BigDecimal, factor: string) =>
  BigDecimal.multiply(rate, BigDecimal.fromStringUnsafe(factor))

/** Input, output, cache read and 5-minute cache write, copied from that package's data for the provider anthropic. */
const piAi = [
  ["claude-fable-5-2", 8, 40, 0.2, 10],
  ["claude-fable-5-1", 10, 50, 0.25, 12.5],
  ["claude-fable-5", 10, 50, 1, 12.5],
  ["claude-opus-5-5", 4, 20, 0.2, 5],
  ["claude-opus-5", 5, 25, 0.5, 6.25],
  ["claude-opus-4-8", 5, 25, 0.5, 6.25],
  ["claude-opus-4-7", 5, 25, 0.5, 6.25],
  ["claude-opus-4-6", 5, 25, 0.5, 6.25],
  ["claude-opus-4-5", 5, 25, 0.5, 6.25],
  ["claude-opus-4-5-20251101", 5, 25, 0.5, 6.25],
  ["claude-sonnet-5-5", 2, 10, 0.1, 2.5],
  ["claude-sonnet-5", 2, 10, 0.2, 2.5],
  ["claude-sonnet-4-6", 3, 15, 0.3, 3.75],
  ["claude-sonnet-4-5", 3, 15, 0.3, 3.75],
  ["claude-sonnet-4-5-20250929", 3, 15, 0.3, 3.75],
  ["claude-haiku-5-5", 0.1, 0.5, 0.01, 0.125],
  ["claude-haiku-4-5", 1, 5, 0.1, 1.25],
  ["claude-haiku-4-5-20251001", 1, 5, 0.1, 1.25]
] as const
