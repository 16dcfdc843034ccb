import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { JobLimits, Settings } from "../../../src/pipeline/Journal.ts"
import * as LimitHandles from "../../../src/run/cluster/LimitHandles.ts"

describe("the limits of a submitted job", () => {
  it.effect("are stored for all workers", () =>
    Effect.gen(function* () {
      const { handles, stored } = limited({ budget: "5 USD" })
      assert.deepStrictEqual(yield* handles.resize(6), {
        isApplied: true,
        detail: "up to 6 calls are in flight at once, over all workers"
      })
      for (const budget of ["9 USD", "2 USD"]) {
        const { detail, isApplied } = yield* handles.raise(budget)
        assert.deepStrictEqual(
          [isApplied, detail],
          [true, `the budget of the job is ${budget}, for all workers together`]
        )
      }
      assert.deepStrictEqual(stored, [{ concurrency: 6 }, { budget: "9 USD" }, { budget: "2 USD" }])
    })
  )

  it.effect("do not have a concurrency in batches, where calls wait and are not in flight", () =>
    Effect.gen(function* () {
      const { handles, stored } = limited({}, { mode: "batches" })
      const { detail, isApplied } = yield* handles.resize(6)
      assert.isFalse(isApplied)
      assert.include(detail, "set how many rows wait in a worker by --concurrency")
      assert.deepStrictEqual(stored, [])
    })
  )

  it.effect("keep the unit of the budget, and get no budget later", () =>
    Effect.gen(function* () {
      const { handles, stored } = limited({ budget: "5 USD" })
      assert.include(
        (yield* handles.raise("1000 tokens")).detail,
        "the budget of the job is 5 USD: name an amount in USD"
      )
      assert.include((yield* limited({}).handles.raise("1 USD")).detail, "was submitted without a budget")
      assert.deepStrictEqual(stored, [])
    })
  )
})

// Builders

const limited = (limits: JobLimits, settings: Settings = {}) => {
  const stored: Array<JobLimits> = []
  const setLimits = (limits: JobLimits) => Effect.sync(() => void stored.push(limits))
  return { stored, handles: LimitHandles.make({ limits: Effect.succeed(limits), setLimits, settings }) }
}
