import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Segments from "../../src/testing/emulator/request/Segments.ts"
import * as TokenEstimate from "../../src/claude/TokenEstimate.ts"
import * as Usage from "../../src/claude/Usage.ts"
import * as Usages from "./Usages.ts"

const folder = process.env["WIRE_CORPUS"]
const recorded = folder === undefined ? [] : Usages.load(folder)
const counted = recorded.map((one) => ({ ...one, count: Usage.totalInput(Usage.fromMessage(one.usage)) }))

describe.skipIf(folder === undefined)("recorded requests (skipped unless WIRE_CORPUS names their folder)", () => {
  it("the estimate of tokens is as good as its documentation says", () => {
    const ratios = counted.map(({ count, request }) => TokenEstimate.of(request) / count)
    const factors = ratios.map((ratio) => Math.max(ratio, 1 / ratio))
    const found = {
      requests: counted.length,
      ratio: { p5: quantile(ratios, 0.05), median: quantile(ratios, 0.5), p95: quantile(ratios, 0.95) },
      factor: { median: quantile(factors, 0.5), p95: quantile(factors, 0.95) }
    }
    assert.deepStrictEqual(found, {
      requests: 118,
      ratio: { p5: 0.67, median: 0.99, p95: 1.16 },
      factor: { median: 1.04, p95: 1.58 }
    })
  })

  it("the bound of tokens is never too low", () => {
    const bounds = counted.flatMap(({ count, name, request }) => {
      const bound = TokenEstimate.bound(request)
      if (bound === undefined) return []
      assert.isAtLeast(bound, count, name)
      return [bound / count]
    })
    assert.deepStrictEqual(
      { bounds: bounds.length, lowest: quantile(bounds, 0), median: quantile(bounds, 0.5) },
      { bounds: 99, lowest: 2.46, median: 6.6 }
    )
  })

  it.effect("the emulator counts prompts with a schema about as the API does", () =>
    Effect.gen(function* () {
      const withSchema = counted.filter(({ request: { output_config, tools } }) => output_config?.format && !tools)
      for (const { count, name, request } of withSchema) {
        const { messages, model, output_config } = request
        const turns = messages.map(({ content = "", role }) => ({ content, role }))
        const segments = yield* Segments.read({ model, messages: turns, ...(output_config && { output_config }) })
        assert.approximately(Segments.count(segments) / count, 1, 1 / 6, name)
      }
      assert.lengthOf(withSchema, 4)
    })
  )
})

/** The smallest value that is at least as large as this share of the values, with two decimals. */
const quantile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = values.toSorted((one, other) => one - other)
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN
  return Math.round(value * 100) / 100
}
