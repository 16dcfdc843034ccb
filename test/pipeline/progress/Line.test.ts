import { assert, describe, it } from "@effect/vitest"
import { ClaudeError, type Event, Progress } from "effect-claude"
import { Duration } from "effect"
import { after, at, attempt, dollars, finished, overloaded, retried, sent } from "./events.ts"

describe("the line of a display", () => {
  it("shows the rate limit that calls wait for, as long as they do", () => {
    const wait = { _tag: "limit-binds", group: "claude-sonnet-5", binds: "outputTokens", limit: 8000 } as const
    assert.include(Progress.line(after([wait])), " · rate limit: output tokens, 8.0k a minute · ")
    const paused = { ...wait, binds: "pause", limit: undefined } as const
    assert.include(Progress.line(after([wait, paused])), " · waiting after a 429 · ")
    const free = { ...wait, binds: undefined, limit: undefined } as const
    assert.strictEqual(Progress.line(after([wait, paused, free])), Progress.line(after([])))
  })

  it("renders as one line: rows, rate, in flight, retries, tokens, cost so far and expected, time left", () => {
    const progress = {
      ...after(attempt(1, finished("1.5"))),
      total: 100,
      succeeded: 20,
      skipped: 30,
      inFlight: 8,
      retries: 2,
      lastRetry: "Overloaded"
    }
    assert.strictEqual(
      Progress.line(Progress.tick(progress, Duration.seconds(10))),
      "50/100 rows · 2.0/s · 8 in flight · 2 retries, last Overloaded · 100 tokens in, 20 out · $1.50 of ~$5.25 · 0:25 left"
    )
  })

  it("fits into the columns of a terminal, and drops the least important parts first", () => {
    const progress = Progress.tick(
      {
        ...after(attempt(1, finished("1.5"))),
        total: 100_000,
        succeeded: 20_000,
        failed: 7,
        inFlight: 64,
        retries: 2000,
        lastRetry: "ConnectionFailed [ECONNREFUSED]"
      },
      Duration.seconds(100)
    )
    assert.strictEqual(
      Progress.line(progress, 120),
      "20007/100000 rows · 2000 retries, last ConnectionFailed [ECONNREFUSED] · 7 failed · $1.50 of ~$7.50 · 6:40 left"
    )
    assert.strictEqual(Progress.line(progress, 60), "20007/100000 rows · 7 failed · $1.50 of ~$7.50 · 6:40 left")
    assert.strictEqual(Progress.line(progress, 30), "20007/100000 rows · 6:40 left")
    assert.strictEqual(Progress.line(progress, 29), "20007/100000 rows · 6:40 left")
    assert.strictEqual(Progress.line(progress, 28), "20007/100000 rows")
    assert.strictEqual(Progress.line(progress, 5), "20007")
    for (let columns = 0; columns < 200; columns++) assert.isAtMost(Progress.line(progress, columns).length, columns)
  })

  it("shows the reason of the last retry", () => {
    const refused = new ClaudeError.ConnectionFailed({ detail: "connect", code: "ECONNREFUSED" })
    const once = after([retried(refused)])
    assert.include(Progress.line(once), " · 1 retry, last ConnectionFailed [ECONNREFUSED] · ")
    const twice = Progress.update(once, at(retried(overloaded.reason)))
    assert.include(Progress.line(twice), " · 2 retries, last Overloaded · ")
  })

  it("has no time left before the run has finished a row", () => {
    const progress = { ...Progress.empty, total: 100, skipped: 30 }
    assert.notInclude(Progress.line(Progress.tick(progress, Duration.seconds(10))), "left")
  })

  it("shows what keeps the run from being faster: a pause, then a rate limit, then the budget, then its concurrency", () => {
    const calls: ReadonlyArray<Event.EventBody> = [{ _tag: "run-paced", calls: 2, paused: false }, sent(1), sent(2)]
    assert.strictEqual(Progress.binds(after(calls.slice(0, 2))), undefined)
    assert.strictEqual(Progress.binds(after(calls)), "concurrency 2")
    const share = { _tag: "budget-binds", share: 'tenant "a"', binds: true } as const
    const money = [...calls, share]
    assert.strictEqual(Progress.binds(after(money)), 'waiting for the budget for tenant "a"')
    assert.strictEqual(Progress.binds(after([...money, { ...share, binds: false }])), "concurrency 2")
    const whole = { ...share, share: undefined }
    assert.strictEqual(Progress.binds(after([...calls, whole])), "waiting for the budget")
    const limit = { _tag: "limit-binds", group: "claude-sonnet-5", binds: "requests", limit: 60 } as const
    const limited = [...money, limit]
    assert.strictEqual(Progress.binds(after(limited)), "rate limit: requests, 60 a minute")
    const paused = after([...limited, { _tag: "run-paced", calls: 2, paused: true }])
    assert.strictEqual(Progress.binds(paused), "paused")
    assert.strictEqual(Progress.binds(Progress.ended(paused)), undefined)
  })

  it("has no time left while the run is paused", () => {
    const progress = Progress.tick({ ...Progress.empty, total: 100, succeeded: 10 }, Duration.seconds(10))
    assert.include(Progress.line(progress), " left")
    assert.notInclude(Progress.line({ ...progress, paused: true }), " left")
  })
})

describe("the expected cost", () => {
  const run = {
    ...Progress.empty,
    total: 100,
    skipped: 20,
    succeeded: 8,
    failed: 2,
    cost: dollars("0.5") ?? Progress.empty.cost
  }

  it("is that of all rows of this run at the mean of its finished rows", () => {
    assert.include(Progress.line(run), " · $0.5000 of ~$4.00")
  })

  it("is not shown before ten rows have finished, after the last one, and where a call has no known price", () => {
    for (const other of [{ failed: 1 }, { succeeded: 78 }, { unpricedCalls: 1 }]) {
      assert.notInclude(Progress.line({ ...run, ...other }), "~")
    }
  })

  it("is a worth where an emulator answers, which bills nothing", () => {
    assert.include(Progress.line({ ...run, emulated: true }), " · emulated, worth $0.5000 of ~$4.00")
  })
})

describe("the lines of a picture", () => {
  const run = Progress.tick(
    {
      ...after(attempt(1, finished("0.5"))),
      total: 1000,
      succeeded: 490,
      failed: 10,
      inFlight: 64,
      allowed: 64,
      retries: 3,
      lastRetry: "Overloaded"
    },
    Duration.seconds(100)
  )

  it("have the rows in the first one, and drop what has no room", () => {
    assert.strictEqual(
      Progress.rowsLine(run, 119),
      "500/1000 rows · 5.0/s · 1:40 left · 10 failed · 3 retries, last Overloaded · 64 in flight"
    )
    assert.strictEqual(Progress.rowsLine(run, 59), "500/1000 rows · 1:40 left · 10 failed")
    assert.strictEqual(Progress.rowsLine(run, 39), "500/1000 rows · 1:40 left · 10 failed")
    assert.strictEqual(Progress.rowsLine(run, 20), "500/1000 rows")
  })

  it("have the money and what binds below, in as many lines as there are", () => {
    assert.deepStrictEqual(Progress.costLines(run, 79, 2), [
      "$0.5000 of ~$1.00 · concurrency 64 · 100 tokens in, 20 out"
    ])
    assert.deepStrictEqual(Progress.costLines(run, 39, 2), [
      "$0.5000 of ~$1.00 · concurrency 64",
      "100 tokens in, 20 out"
    ])
    assert.deepStrictEqual(Progress.costLines(run, 39, 1), ["$0.5000 of ~$1.00 · concurrency 64"])
  })
})
