import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Cost from "../../src/claude/Cost.ts"
import * as Usage from "../../src/claude/Usage.ts"
import * as Usages from "./Usages.ts"

/**
 * Usages of answers with their costs, computed by hand from Anthropic's price list as of the day below: each number of
 * tokens times the dollars for a million of them. "recorded": every usage in the recorded exchanges, each once;
 * "reference": every model with every class of tokens, in a batch, in the US and in fast mode.
 */
const table = readFileSync(join(import.meta.dirname, "costs.tsv"), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => {
    const [source = "", model = "", usage = "", millionths = "", dollars = ""] = line.split("\t")
    return { source, model, usage, millionths, dollars }
  })

const day = new Date("2026-11-28")

describe("the table of costs", () => {
  it(`has correct sums, and ${table.length} of ${table.length} usages cost what it says`, () => {
    for (const { dollars, millionths, model, usage } of table) {
      const cost = Cost.of({ model, usage: Usage.fromMessage(JSON.parse(usage)), at: day })
      assert.strictEqual(cost === undefined ? "unknown" : BigDecimal.format(cost), dollars, `${model} ${usage}`)
      if (dollars !== "unknown") assert.strictEqual(BigDecimal.format(fromMillionths(millionths)), dollars, millionths)
    }
  })
})

const folder = process.env["WIRE_CORPUS"]

describe.skipIf(folder === undefined)("recorded usages (skipped unless WIRE_CORPUS names their folder)", () => {
  it("are all in the table of costs, and nothing in them is unknown to us", () => {
    // Counting tokens costs nothing.
    const recorded = Usages.load(folder ?? "").filter(({ usage }) => usage.output_tokens !== undefined)
    const found = new Set(recorded.map(({ model, usage }) => `${model}\t${JSON.stringify(usage)}`))
    const expected = table.flatMap(({ model, source, usage }) => (source === "recorded" ? `${model}\t${usage}` : []))
    assert.deepStrictEqual([...found].toSorted(), expected.toSorted())
    for (const { name, usage } of recorded) assert.isUndefined(Usage.fromMessage(usage).unpriced, name)
  })
})

/** The value of `(2 × 0.10 + 3 × 4) × 1.1 + 5 × 6`, divided by a million. */
const fromMillionths = (text: string): BigDecimal.BigDecimal => {
  const [, inner, rest] = /^\(([^)]*)\)(.*)$/.exec(text) ?? []
  const flat = inner === undefined ? text : `${BigDecimal.format(sumOf(inner))}${rest}`
  return BigDecimal.multiply(sumOf(flat), BigDecimal.make(1n, 6))
}

const sumOf = (text: string): BigDecimal.BigDecimal => BigDecimal.sumAll(text.split(" + ").map(productOf))

const productOf = (text: string): BigDecimal.BigDecimal =>
  BigDecimal.multiplyAll(text.split(" × ").map((factor) => BigDecimal.fromStringUnsafe(factor)))
