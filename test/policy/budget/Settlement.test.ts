import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Exit from "effect/Exit"
import {
  BatchItemLost,
  ClaudeError,
  ConnectionFailed,
  InvalidRequest,
  MalformedResponse,
  OutputTruncated,
  Overloaded,
  RateLimited,
  type Reason,
  ServerFailed,
  StreamInterrupted,
  TimedOut
} from "../../../src/claude/ClaudeError.ts"
import * as Usage from "../../../src/claude/Usage.ts"
import * as Settlement from "../../../src/policy/budget/Settlement.ts"
import { message, streamStart } from "../../fixtures.ts"

const usage = { ...Usage.zero, input: 10, output: 20 }

describe("a call settles", () => {
  it("with the usage of its answer, by the model that answered", () => {
    const answer = message({ model: "claude-haiku-4-5" })
    const outcome = { exit: Exit.void, facts: streamStart, message: answer, length: 0 }
    assert.deepInclude(Settlement.of(outcome, "claude-sonnet-5-5"), { model: "claude-haiku-4-5" })
  })

  it("with nothing where a cache or a journal answered", () => {
    for (const origin of ["cache", "journal"] as const) {
      const outcome = { exit: Exit.void, facts: { ...streamStart, origin }, message: message(), length: 0 }
      assert.strictEqual(Settlement.of(outcome, "claude-sonnet-5-5"), "nothing")
    }
  })

  it("with nothing after a failure that the API reports, or before the API has seen it", () => {
    for (const reason of [
      new RateLimited({ detail: "slow down", status: 429 }),
      new InvalidRequest({ detail: "no", status: 400 }),
      new ServerFailed({ detail: "Internal server error", status: 500 }),
      new ConnectionFailed({ detail: "refused", code: "ECONNREFUSED" }),
      new ConnectionFailed({ detail: "no TLS", code: "EPROTO", shouldRetry: false }),
      new BatchItemLost({ detail: "expired", batch: "msgbatch_1", how: "expired" })
    ]) {
      assert.strictEqual(afterFailure(reason), "nothing", reason.message)
    }
  })

  it("with what it may have cost where an answer may have been lost", () => {
    for (const reason of [
      new ConnectionFailed({ detail: "reset", code: "ECONNRESET" }),
      new TimedOut({ detail: "no answer within 10m" }),
      new ServerFailed({ detail: "Gateway Time-out", status: 504 }),
      new ServerFailed({ detail: "A timeout occurred", status: 524 }),
      new MalformedResponse({ detail: "not JSON", status: 200 }),
      new StreamInterrupted({ detail: "cut", usage }),
      new Overloaded({ detail: "in the middle of a stream", usage }),
      new OutputTruncated({ detail: "cut off", text: "so far" }),
      new BatchItemLost({ detail: "gone", batch: "msgbatch_1", how: "unknown" })
    ]) {
      assert.strictEqual(afterFailure(reason), "unknown", reason.message)
    }
    const empty = { exit: Exit.void, facts: streamStart, message: undefined, length: 0 }
    assert.strictEqual(Settlement.of(empty, "claude-sonnet-5-5"), "unknown")
    const interrupted = { exit: Exit.interrupt(), facts: streamStart, message: message(), length: 0 }
    assert.strictEqual(Settlement.of(interrupted, "claude-sonnet-5-5"), "unknown")
  })

  it("with the usage of a whole answer that cannot be used", () => {
    const cut = afterFailure(new OutputTruncated({ detail: "cut off", text: "so far", usage }))
    assert.deepStrictEqual(cut, { model: "claude-sonnet-5-5", usage })
  })
})

describe("the amount of a settlement", () => {
  it("is exact, or the most where no price is known", () => {
    const amount = (model: string, unit: "USD" | "tokens") =>
      BigDecimal.format(Settlement.amount({ model, usage }, unit, BigDecimal.fromStringUnsafe("7"), new Date(0)))
    assert.strictEqual(amount("claude-sonnet-5-5", "USD"), "0.00022")
    assert.strictEqual(amount("claude-unknown-9", "USD"), "7")
    assert.strictEqual(amount("claude-unknown-9", "tokens"), "30")
  })
})

// Builders

const afterFailure = (reason: Reason) =>
  Settlement.of(
    { exit: Exit.fail(new ClaudeError({ reason })), facts: undefined, message: undefined, length: 0 },
    "claude-sonnet-5-5"
  )
