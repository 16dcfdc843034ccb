import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import * as Scale from "../../../src/pipeline/estimate/Scale.ts"

describe("a total over all rows", () => {
  it("is exact where every row is in the sample", () => {
    const sizes = [10, 20, 30, 400]
    assert.deepStrictEqual(Scale.total({ rows: 4, size: 460, sizes }, [1, 2, 3, 40]), { total: 46, margin: 0 })
    assert.deepStrictEqual(Scale.total({ rows: 0, size: 0, sizes: [] }, []), { total: 0, margin: 0 })
  })

  it("is exact where the amount follows the size, whatever the sample", () => {
    const sizes = Array.from({ length: 20 }, (_, index) => index * index)
    const amounts = sizes.map((size) => 7 + 3 * size)
    const { margin, total } = Scale.total({ rows: 1000, size: 5_000_000, sizes }, amounts)
    assert.closeTo(total, 7 * 1000 + 3 * 5_000_000, 1e-3)
    assert.closeTo(margin, 0, 1e-3)
  })

  it("is the mean times the rows where the sample is too small for a slope, and as uncertain as it is large", () => {
    const population = { rows: 100, size: 1000, sizes: [10, 10] }
    assert.deepStrictEqual(Scale.total(population, [4, 6]), { total: 500, margin: 500 })
  })

  it.effect("is within its margin in about 95 % of all samples", () =>
    Effect.gen(function* () {
      const random = yield* Random.Random
      const next = () => random.nextDoubleUnsafe()
      let within = 0
      for (let round = 0; round < 1000; round++) {
        const all = Array.from({ length: 400 }, () => {
          const size = 100 * Math.exp(3 * next())
          return { size, amount: 20 + size * (0.2 + 0.1 * next()) }
        })
        const sample = all.slice(0, 40)
        const population = {
          rows: all.length,
          size: Scale.sum(all.map(({ size }) => size)),
          sizes: sample.map(({ size }) => size)
        }
        const { margin, total } = Scale.total(
          population,
          sample.map(({ amount }) => amount)
        )
        if (Math.abs(total - Scale.sum(all.map(({ amount }) => amount))) <= margin) within += 1
      }
      assert.isAtLeast(within, 920)
      assert.isAtMost(within, 975)
    }).pipe(Random.withSeed("samples"))
  )
})

it("errors in one direction add up as squares, and a range does not fall below 0", () => {
  const errors = [
    { down: 3, up: 30 },
    { down: 4, up: 40 }
  ]
  assert.deepStrictEqual(Scale.range(10, errors), { low: 5, expected: 10, high: 60 })
  assert.strictEqual(Scale.range(4, errors).low, 0)
})
