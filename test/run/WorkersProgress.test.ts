import { assert, describe, it } from "@effect/vitest"
import * as WorkersProgress from "../../src/run/WorkersProgress.ts"

describe("a watched job without a worker", () => {
  it("waits for workers whose database has failed, and ends after one that has stopped for good", () => {
    const broken = { worker: "one", outcome: "JobBroken", detail: "the run broke off: the connection was closed" }
    const spent = { worker: "one", outcome: "BudgetExceeded", detail: "the budget of this job has $0 left" }
    assert.isUndefined(WorkersProgress.lastStop({ stops: [broken, broken] }))
    assert.strictEqual(WorkersProgress.lastStop({ stops: [broken, spent] }), spent)
  })
})
