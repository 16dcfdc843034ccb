import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as JobFiles from "../../../src/run/work/JobFiles.ts"
import { fileOf, jobOf } from "./jobs.ts"

describe("the files of a worker", () => {
  it.effect("are loaded in their order", () =>
    Effect.gen(function* () {
      const [one, other] = [jobOf(1), jobOf(1)]
      const jobs = yield* JobFiles.load([other.job, one.job])
      assert.deepStrictEqual(
        jobs.map(({ name }) => name),
        [other.name, one.name]
      )
    })
  )

  it.effect("are refused where two of them have the same job", () =>
    Effect.gen(function* () {
      const { job, name, path } = jobOf(1)
      const other = fileOf(path, name, "job", "other.job.ts")
      const { code, message } = yield* Effect.flip(JobFiles.load([job, other]))
      assert.strictEqual(code, 2)
      assert.strictEqual(message, `${job} and ${other} both have a job "${name}"; leave one out, or rename its job`)
    })
  )

  it.effect("are refused where one has no job", () =>
    Effect.gen(function* () {
      const { job } = jobOf(1)
      const { code, message } = yield* Effect.flip(JobFiles.load([job, "nowhere.job.ts"]))
      assert.strictEqual(code, 2)
      assert.include(message, "nowhere.job.ts: there is no such file")
    })
  )
})
