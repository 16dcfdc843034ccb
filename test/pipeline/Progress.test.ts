import { assert, describe, it } from "@effect/vitest"
import { type CallEvent, ClaudeError, Cost, Progress, Usage } from "effect-claude"
import { BigDecimal, Duration } from "effect"

describe("Progress", () => {
  it("counts rows, calls, retries, tokens and cost", () => {
    const progress = after([
      { _tag: "items-counted", total: 4 },
      { _tag: "item-skipped", index: 0 },
      sent,
      failed,
      { _tag: "call-retried", model, attempt: 1, delay: Duration.zero, error: overloaded },
      sent,
      finished("0.25"),
      { _tag: "item-finished", index: 1, succeeded: true },
      { _tag: "item-finished", index: 2, succeeded: false },
      sent
    ])
    assert.deepInclude(progress, { total: 4, skipped: 1, succeeded: 1, failed: 1, calls: 3, inFlight: 1, retries: 1 })
    assert.deepInclude(progress, { inputTokens: 100, outputTokens: 20, emulated: false })
    assert.strictEqual(Cost.format(progress.cost), "$0.2500")
  })

  it("counts the tokens of an answer that broke off, and says which calls have no known price", () => {
    const usage = { ...Usage.zero, input: 7 }
    const broken = new ClaudeError.ClaudeError({
      reason: new ClaudeError.StreamInterrupted({ detail: "cut", usage })
    })
    const progress = after([sent, { _tag: "call-failed", model, error: broken }, sent, finished(undefined)])
    assert.strictEqual(progress.inputTokens, 107)
    assert.strictEqual(Progress.cost(progress), "no known price")
    assert.strictEqual(
      Progress.cost(Progress.update(progress, at(finished("1")))),
      "$1.00 and 1 calls with no known price"
    )
  })

  it("knows that the emulator answered", () => {
    assert.isTrue(after([sent, { ...finished("1"), requestId: "req_emulated_00000001" }]).emulated)
  })

  it("reads as one line: rows, rate, in flight, retries, tokens, cost, time left", () => {
    const progress = {
      ...after([sent, finished("1.5")]),
      total: 100,
      succeeded: 20,
      skipped: 30,
      inFlight: 8,
      retries: 2
    }
    assert.strictEqual(
      Progress.line(progress, Duration.seconds(10)),
      "50/100 rows · 2.0/s · 8 in flight · 2 retries · 100 tokens in, 20 out · $1.50 · 0:25 left"
    )
  })

  it("has a bar that is full at the end, and empty where nothing is known", () => {
    assert.strictEqual(Progress.bar({ ...Progress.empty, total: 4, succeeded: 1, skipped: 1 }, 8), "━━━━────")
    assert.strictEqual(Progress.bar({ ...Progress.empty, total: 2, succeeded: 2 }, 4), "━━━━")
    assert.strictEqual(Progress.bar(Progress.empty, 3), "───")
  })

  it("shortens counts of tokens", () => {
    assert.deepStrictEqual([0, 999, 1000, 12_345, 4_560_000].map(Progress.tokens), [
      "0",
      "999",
      "1.0k",
      "12.3k",
      "4.6M"
    ])
  })
})

const model = "claude-sonnet-5-5"
const overloaded = new ClaudeError.ClaudeError({ reason: new ClaudeError.Overloaded({ detail: "busy" }) })
const sent: CallEvent.Happening = { _tag: "call-sent", model }
const failed: CallEvent.Happening = { _tag: "call-failed", model, error: overloaded }
const finished = (cost: string | undefined) =>
  ({
    _tag: "call-finished",
    model,
    origin: "api",
    requestId: "req_1",
    usage: { ...Usage.zero, input: 60, cacheRead: 40, output: 20 },
    cost: cost === undefined ? undefined : BigDecimal.fromStringUnsafe(cost)
  }) as const

const at = (happening: CallEvent.Happening): CallEvent.CallEvent => ({
  ...happening,
  site: { job: undefined, row: undefined, path: [], labels: {} }
})

const after = (happenings: ReadonlyArray<CallEvent.Happening>) =>
  happenings.map(at).reduce(Progress.update, Progress.empty)
