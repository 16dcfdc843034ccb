import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Total from "../../src/pipeline/journal/Total.ts"
import * as WorkersProgress from "../../src/run/WorkersProgress.ts"

describe("the lines of a watched job", () => {
  it.effect.each([
    ["every 5 seconds in a file", false, ["0", "5", "last"]],
    ["every second on a terminal", true, ["0", "1", "2", "3", "4", "5", "6", "last"]]
  ] as const)("come when something has changed, %s, and at the end", ([, isTerminal, expected]) =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const write = (text: string) => written.push(text.trimEnd())
      const print = WorkersProgress.printer(isTerminal, write)
      for (let second = 0; second < 7; second++) {
        yield* print(String(second), false)
        yield* print(String(second), false)
        yield* TestClock.adjust("1 second")
      }
      yield* print("last", true)
      assert.deepStrictEqual(written, [...expected])
    })
  )
})

describe("a watched job without a worker", () => {
  it("shows that its rows wait for one", () => {
    const none = Total.zero
    const progress = { total: 3, done: 0, failed: 0, pending: 3, isOpen: true, workers: 0, stops: [] }
    const totals = { run: none, all: none, runs: 1 }
    assert.match(
      WorkersProgress.lineOf({ ...progress, totals }),
      /^0 of 3 rows done; no worker is on, and rows wait for one; /
    )
    assert.match(WorkersProgress.lineOf({ ...progress, totals, workers: 1 }), /^0 of 3 rows done; 1 worker; /)
    assert.match(WorkersProgress.lineOf({ ...progress, totals, isOpen: false }), /^0 of 3 rows done; 0 workers; /)
  })

  it("waits for workers whose database has failed, and ends after one that has stopped for good", () => {
    const broken = { worker: "one", outcome: "JobBroken", detail: "the run broke off: the connection was closed" }
    const spent = { worker: "one", outcome: "BudgetExceeded", detail: "the budget of this job has $0 left" }
    assert.isUndefined(WorkersProgress.lastStop({ stops: [broken, broken] }))
    assert.strictEqual(WorkersProgress.lastStop({ stops: [broken, spent] }), spent)
  })
})
