import { assert, describe, it } from "@effect/vitest"
import { type Event, Progress, Usage } from "effect-claude"
import { after, at, attempt, brokenOff, dollars, failed, finished, model, reply } from "./events.ts"

describe("the text of the progress", () => {
  it("reports the number of calls without a known price", () => {
    assert.strictEqual(Progress.cost(after(attempt(1, finished(undefined)))), "no known price")
    assert.strictEqual(
      Progress.cost(after([...attempt(1, finished(undefined)), ...attempt(2, finished("1"))])),
      "$1.00 and 1 call with no known price"
    )
    assert.strictEqual(
      Progress.cost(
        after([...attempt(1, finished(undefined)), ...attempt(2, finished("1")), ...attempt(3, brokenOff(undefined))])
      ),
      "$1.00 and 2 calls with no known price"
    )
  })

  it("shows the batches in progress, with their states and ages, and counts those that have ended", () => {
    const batch = { batch: "msgbatch_1", requests: 2000 }
    const running = after([
      { _tag: "rows-counted", total: 4, done: 0 },
      { _tag: "batch-sent", batch: "msgbatch_2", requests: 1, how: "sent", since: 4_000_000 },
      { _tag: "batch-sent", ...batch, how: "resumed", since: 0 },
      { _tag: "batch-polled", ...batch, state: "in_progress" }
    ])
    assert.include(Progress.line(running), " · 2 batches in progress · ")
    assert.deepStrictEqual(Progress.batchLines(running, 4_005_000), [
      "msgbatch_1 · 2000 requests · in_progress · 1:06:45",
      "msgbatch_2 · 1 request · sent · 0:05"
    ])
    assert.isFalse(Progress.batches(running))
    const usage = { ...Usage.zero, input: 100, output: 20, serviceTier: "batch" }
    const ended = [
      { _tag: "batch-ended" as const, ...batch, succeeded: 2000, errored: 0, canceled: 0, expired: 0 },
      ...attempt(1, { ...finished("1.5"), usage })
    ]
    const progress = ended.map(at).reduce(Progress.update, running)
    assert.strictEqual(Progress.batches(progress), "batches: 1 batch ended, saved $1.50 against direct calls")
    assert.lengthOf(Progress.batchLines(progress, 4_005_000), 1)
    const lost = Progress.update(progress, at({ _tag: "batch-lost", batch: "other", requests: 3 }))
    assert.include(Progress.batches(lost), "1 batch ended, 1 was not found any more and sent again, saved")
  })

  it("has a bar that is full at the end, and empty while the number of rows is unknown", () => {
    assert.strictEqual(Progress.bar({ ...Progress.empty, total: 4, succeeded: 1, skipped: 1 }, 8), "━━━━────")
    assert.strictEqual(Progress.bar({ ...Progress.empty, total: 2, succeeded: 2 }, 4), "━━━━")
    assert.strictEqual(Progress.bar(Progress.empty, 3), "───")
  })

  it("reports the savings of the prompt cache, or its cost if more was written than read", () => {
    const cached = (saved: string | undefined, cacheRead: number, cacheWrite1h: number) => ({
      ...finished(saved === undefined ? undefined : "1"),
      usage: { ...Usage.zero, cacheRead, cacheWrite5m: 1000, cacheWrite1h },
      saved: dollars(saved)
    })
    const lost = cached("-0.002", 0, 4000)
    assert.strictEqual(
      Progress.promptCache(after(attempt(1, lost))),
      "prompt cache: 0 tokens read, 5.0k written: cost $0.0020 more than without it"
    )
    assert.strictEqual(
      Progress.promptCache(after([...attempt(1, lost), ...attempt(2, cached("3.1", 1_200_000, 0))])),
      "prompt cache: 1.2M tokens read, 6.0k written: saved $3.10"
    )
    assert.strictEqual(
      Progress.promptCache(after(attempt(1, cached(undefined, 500, 0)))),
      "prompt cache: 500 tokens read, 1.0k written"
    )
    assert.isFalse(Progress.promptCache(after(attempt(1, failed))))
  })

  it("reports the savings and the failures of the response cache", () => {
    const hit = (saved: string | undefined): Event.EventBody => ({
      _tag: "call-hit",
      model,
      reply,
      requestId: "req_emulated_1",
      usage: Usage.zero,
      saved: dollars(saved)
    })
    const failed: Event.EventBody = { _tag: "cache-failed", operation: "read", detail: "gone" }
    const progress = after([hit("0.5"), hit("0.75")])
    assert.strictEqual(Progress.responseCache(progress), "response cache: 2 answers, saved $1.25")
    assert.deepStrictEqual([progress.calls, progress.emulated, Progress.cost(progress)], [0, true, "$0.00"])
    assert.strictEqual(
      Progress.responseCache(after([hit("0.5"), hit(undefined), failed])),
      "response cache: 2 answers, saved $0.5000 and 1 call with no known price; its store failed 1 time"
    )
    assert.isFalse(Progress.responseCache(after(attempt(1, finished("1")))))
  })

  it("shortens counts of tokens", () => {
    assert.deepStrictEqual([0, 999, 1000, 12_345, 999_949, 999_950, 1_000_000, 4_560_000].map(Progress.tokens), [
      "0",
      "999",
      "1.0k",
      "12.3k",
      "999.9k",
      "1.0M",
      "1.0M",
      "4.6M"
    ])
  })
})
