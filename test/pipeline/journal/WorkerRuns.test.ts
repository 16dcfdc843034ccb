import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Journal from "../../../src/pipeline/Journal.ts"
import * as Report from "../../../src/pipeline/Report.ts"
import { postgres } from "./databases.ts"
import { dies, joinedAs, submitted } from "./processes.ts"
import { tickets } from "./runs.ts"

describe.skipIf(postgres.missing !== "")(`the workers of a job${postgres.missing}`, () => {
  it.live("work, have ended as they say, or are gone if they died", () =>
    Effect.gen(function* () {
      yield* submitted({})
      const drained = yield* joinedAs({ worker: "drained" })
      const killed = yield* joinedAs({ worker: "killed" })
      yield* joinedAs({ worker: "at work" })
      yield* drained.journal.end({ outcome: "signal", detail: undefined, invalid: 0 })
      yield* drained.end
      yield* dies(killed.run)
      const found = yield* workers
      assert.deepStrictEqual(
        found.map(({ joined, state, worker }) => [worker, state, joined]),
        [
          ["drained", "signal", 1],
          ["killed", "gone", 1],
          ["at work", "working", 1]
        ]
      )
      const [, gone, working] = found
      assert.isAtLeast(working?.seen ?? 0, gone?.seen ?? Infinity)
    }).pipe(provide)
  )

  it.live("are summed up by their names over all times that they joined, and one run has them all in a report", () =>
    Effect.gen(function* () {
      yield* submitted({})
      const first = yield* joinedAs({ worker: "pod" })
      yield* first.journal.spend(BigDecimal.fromBigInt(2n))
      yield* first.journal.end({ outcome: "signal", detail: undefined, invalid: 0 })
      yield* first.end
      const again = yield* joinedAs({ worker: "pod" })
      yield* again.journal.spend(BigDecimal.fromBigInt(3n))
      const other = yield* joinedAs({})
      yield* other.journal.spend(undefined)
      const found = yield* workers
      assert.deepStrictEqual(
        found.map(({ calls, joined, state, unpriced, worker }) => ({ calls, joined, state, unpriced, worker })),
        [
          { calls: 2, joined: 2, state: "working", unpriced: 0, worker: "pod" },
          { calls: 1, joined: 1, state: "working", unpriced: 1, worker: "unnamed" }
        ]
      )
      assert.deepStrictEqual(found[0]?.cost, BigDecimal.fromBigInt(5n))

      const report = yield* Report.of({ job: tickets.job })
      assert.deepStrictEqual(
        report?.runs.map(({ calls, outcome, run }) => [run, calls, outcome]),
        [[1, 3, null]]
      )
      assert.deepStrictEqual(
        report?.workers.map(({ calls, worker }) => [worker, calls]),
        [
          ["pod", 2],
          ["unnamed", 1]
        ]
      )
    }).pipe(provide)
  )
})

// Builders

const workers = Effect.gen(function* () {
  const [state] = yield* Journal.states
  return state?.shared === undefined ? yield* Effect.die("no job is submitted") : yield* state.shared.workerRuns
})

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) => effect.pipe(Effect.scoped, Effect.provide(postgres.layer))
