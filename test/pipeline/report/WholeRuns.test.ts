import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as WholeRuns from "../../../src/pipeline/report/WholeRuns.ts"

describe("the runs of a report", () => {
  it("have the figures of their workers, whose calls belong to them", () => {
    const { placeOf, whole } = WholeRuns.make([
      run(1, { done: 3, calls: 3, failed: 1 }),
      run(2, { done: 10 }),
      run(3, { part_of: 2, done: 5, calls: 7, failed: 2, settings: { worker: "pod" } }),
      run(4, { part_of: 2, done: 1, calls: 1, unpriced: 1 })
    ])
    assert.deepStrictEqual(
      whole.map(({ calls, cost, done, failed, run, unpriced }) => ({ calls, cost, done, failed, run, unpriced })),
      [
        { calls: 3, cost: dollar, done: 3, failed: 1, run: 1, unpriced: 0 },
        { calls: 8, cost: BigDecimal.fromBigInt(3n), done: 16, failed: 2, run: 2, unpriced: 1 }
      ]
    )
    assert.deepStrictEqual(
      [placeOf(1), placeOf(3), placeOf(4), placeOf(null)],
      [{ run: 1 }, { run: 2, worker: "pod" }, { run: 2 }, { run: null }]
    )
  })
})

// Builders

type Figures = Parameters<typeof WholeRuns.make>[0][number]

const dollar = BigDecimal.fromBigInt(1n)

const run = (run: number, figures: Partial<Figures>): Figures => ({
  run,
  part_of: null,
  done: 0,
  failed: null,
  calls: 0,
  cost: dollar,
  unpriced: 0,
  settings: null,
  ...figures
})
