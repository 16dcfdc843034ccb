import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { lines } from "./cli.ts"
import { fileOf, jobOf, world } from "./work/jobs.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe.skipIf(missing)(`a worker of several jobs${missing}`, () => {
  it.live("works on each of them, and one that differs from the submitted one stops alone", () =>
    Effect.gen(function* () {
      const { ledger, submitting, working } = yield* world(TEST_DATABASE_URL)
      const [one, other, changed] = [jobOf(20), jobOf(130), jobOf(10)]
      const others = fileOf(changed.path, changed.name, "{ ...job, step: other }", "changed.job.ts")
      yield* Effect.forkChild(submitting(changed))
      const { ends, signals } = yield* working(one.job, others, other.job)
      for (const { code, stdout } of yield* Effect.all([submitting(one), submitting(other)], { concurrency: 2 })) {
        assert.strictEqual(code, 0)
        assert.match(stdout, /^(20 of 20|130 of 130) rows are done/)
      }
      assert.deepStrictEqual([lines(one.output).length, lines(other.output).length], [20, 130])
      assert.lengthOf(yield* ledger, 150)
      signals.send("SIGTERM")
      const { code, stderr } = yield* Fiber.join(ends)
      assert.strictEqual(code, 2)
      assert.include(stderr, `${changed.name}: the job "${changed.name}" is not the one that was submitted: steps`)
      assert.include(stderr, `${one.name}: 20 rows have ended here`)
      assert.include(stderr, `${other.name}: 130 rows have ended here`)
    }).pipe(Effect.scoped)
  )

  it.live("ends by itself when all of them have stopped", () =>
    Effect.gen(function* () {
      const { submitting, working } = yield* world(TEST_DATABASE_URL)
      const [one, other] = [jobOf(10), jobOf(10)]
      yield* Effect.forkChild(submitting(one, "--budget", "0.000001 USD"))
      yield* Effect.forkChild(submitting(other, "--budget", "0.000001 USD"))
      const { ends } = yield* working(one.job, other.job)
      const { code, stderr } = yield* Fiber.join(ends)
      assert.strictEqual(code, 3)
      for (const { name } of [one, other]) assert.include(stderr, `${name}: BudgetExceeded: the budget of this job has`)
    }).pipe(Effect.scoped)
  )
})
