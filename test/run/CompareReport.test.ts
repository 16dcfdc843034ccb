import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Comparison from "../../src/pipeline/Comparison.ts"
import * as ScoredLine from "../../src/pipeline/ScoredLine.ts"
import * as CompareReport from "../../src/run/CompareReport.ts"

describe("the text of a comparison", () => {
  it("names rows that only one side has finished, and the rows that differ", () => {
    const text = CompareReport.toText(compared(["x", "y", "z"], ["x", "n"]))
    assert.include(text, "2 rows are compared; 1 that only A has finished and 0 that only B has are left out")
    assert.include(text, 'rows that differ:\n  1: label: A "y", B "n"')
  })

  it("never shows calls without a price as free, and says that an emulator answered", () => {
    const { comparison, ...sides } = compared(["x"], ["x"])
    const b = { ...sides.b, unpriced: 3, emulated: true }
    const text = CompareReport.toText({ ...sides, b, comparison })
    assert.include(text, "$0.5000 and 3 calls without a price")
    assert.include(text, "An emulator answered, not Claude: the scores mean nothing.")
  })
})

// Builders

const side = (name: string): CompareReport.Side => ({
  name,
  done: 2,
  failed: 0,
  pending: 0,
  cost: BigDecimal.fromStringUnsafe("0.5"),
  judgeCost: BigDecimal.fromBigInt(0n),
  unpriced: 0,
  latency: { p50: 1200, p95: 3000 },
  emulated: false
})

const compared = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): CompareReport.Compared => {
  const counter = Comparison.counter()
  for (const [key, label] of a.entries()) counter.addA(ScoredLine.read({ key: String(key), label }))
  for (const [key, label] of b.entries()) counter.addB(ScoredLine.read({ key: String(key), label }))
  return { a: side("one"), b: side("other"), comparison: counter.result() }
}
