import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Comparison from "../../../src/pipeline/Comparison.ts"
import * as ScoredLine from "../../../src/pipeline/ScoredLine.ts"
import type * as CompareReport from "../../../src/run/CompareReport.ts"
import * as ComparisonPage from "../../../src/run/stateReport/ComparisonPage.ts"
import { all, unbalanced } from "./wellFormed.ts"

describe("the page of a comparison", () => {
  it("is well-formed, with a caption and headings in every table, whatever a row contains", () => {
    const evil = `"><script>alert(1)</script>`
    const compared = of(40, { a: evil, b: "y", name: evil })
    const page = draw(compared, true)
    assert.deepStrictEqual(unbalanced(page), [])
    assert.notMatch(page, /<script|onerror="|@import|url\(/)
    assert.strictEqual(page.split("<table").length, page.split("<caption").length)
    assert.deepStrictEqual(all(page, /href="#([^"]+)"/g), ["sides", "sides", "difference", "agreement", "examples"])
  })

  it("says which is better, by how much, how certain that is, and what each cost", () => {
    const page = draw(of(40, { a: "no", b: "yes" }))
    assert.include(page, "<h1>B is better</h1>")
    assert.match(page, /Rows on which B is better<\/th>\s*<td class="figure">40</)
    assert.match(page, /Rows on which A is better<\/th>\s*<td class="figure">0</)
    assert.match(page, /Cost<\/th>\s*<td class="figure">\$0\.5000<\/td>\s*<td class="figure">\$0\.7500</)
    assert.match(page, /p of McNemar’s exact test<\/th>\s*<td class="figure">1\.8e-12</)
    assert.notInclude(page, "&#34;yes&#34;")
    const equal = draw(of(40, { a: "yes", b: "yes" }))
    assert.include(equal, "<h1>No difference shown</h1>")
    assert.include(equal, "No row has different answers.")
  })

  it("shows agreement only where no row has a score, and nothing where no row is finished in both", () => {
    const page = draw(of(4, { a: "x", b: "y", isScored: false }))
    assert.include(page, "<h1>A and B</h1>")
    assert.notInclude(page, "McNemar’s test")
    assert.include(draw(of(0, { a: "x", b: "y" })), "No row is finished in both.")
  })

  it("says at the top and at the end that an emulator answered", () => {
    const compared = of(1, { a: "x", b: "y" })
    const page = draw({ ...compared, b: { ...compared.b, emulated: true } })
    assert.match(page, /<header>[^]*An emulator answered[^]*<footer>[^]*An emulator answered/)
  })
})

const draw = (compared: CompareReport.Compared, texts = false) =>
  ComparisonPage.draw(compared, { made: "2026-11-28T11:00:00.000Z", texts })

const side = (name: string, cost: string): CompareReport.Side => ({
  name,
  done: 40,
  failed: 0,
  pending: 0,
  cost: BigDecimal.fromStringUnsafe(cost),
  judgeCost: BigDecimal.fromBigInt(0n),
  unpriced: 0,
  latency: { p50: 1200, p95: 3000 },
  emulated: false
})

/** Rows whose right answer is "yes". */
const of = (
  rows: number,
  { a, b, isScored = true, name = "one" }: Record<"a" | "b", string> & { isScored?: boolean; name?: string }
): CompareReport.Compared => {
  const counter = Comparison.counter()
  const line = (key: number, label: string) =>
    ScoredLine.read({
      key: String(key),
      label,
      ...(isScored && { expected_label: "yes", score: label === "yes" ? 1 : 0 })
    })
  for (let key = 0; key < rows; key++) counter.addA(line(key, a))
  for (let key = 0; key < rows; key++) counter.addB(line(key, b))
  return { a: side(name, "0.5"), b: side("other", "0.75"), comparison: counter.result() }
}
