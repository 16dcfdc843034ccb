import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { Claude } from "../../../../src/claude/Claude.ts"
import * as Usage from "../../../../src/claude/Usage.ts"
import * as SpendLimit from "../../../../src/testing/emulator/billing/SpendLimit.ts"
import * as Emulator from "../../../../src/testing/Emulator.ts"

describe("SpendLimit", () => {
  it("sums the exact costs of calls, and half of the cost in a batch", () => {
    // Claude Haiku 4.5: a dollar for a million input tokens, five for a million output tokens.
    const limit = SpendLimit.make(0.000_030_5)
    limit.open("claude-haiku-4-5")(usage(5, 3), 0)
    limit.open("claude-haiku-4-5")({ ...usage(5, 3), serviceTier: "batch" }, 0)
    assert.isUndefined(limit.check(0))
    limit.open("claude-haiku-4-5")({ ...usage(1, 0), serviceTier: "batch" }, 0)
    assert.strictEqual(limit.check(0)?.code, "enforced_spend_limit_reached")
  })

  it("counts only the last bill of a call", () => {
    const limit = SpendLimit.make(0.000_1)
    const bill = limit.open("claude-haiku-4-5")
    for (let tokens = 1; tokens < 20; tokens += 1) bill(usage(0, tokens), 0)
    assert.isUndefined(limit.check(0))
    bill(usage(0, 20), 0)
    assert.isDefined(limit.check(0))
  })

  it("starts again each month", () => {
    const limit = SpendLimit.make(0.000_001)
    limit.open("claude-haiku-4-5")(usage(1, 0), Date.parse("2026-12-31T23:59:59Z"))
    assert.include(
      limit.check(Date.parse("2026-12-31T23:59:59Z"))?.message,
      "You will regain access on 2027-01-01 at 00:00 UTC."
    )
    assert.isUndefined(limit.check(Date.parse("2027-01-01T00:00:00Z")))
  })

  it("does not start again for a late bill of the previous month", () => {
    const limit = SpendLimit.make(0.000_001)
    limit.open("claude-haiku-4-5")(usage(1, 0), Date.parse("2027-01-01T00:00:01Z"))
    limit.open("claude-haiku-4-5")(usage(1, 0), Date.parse("2026-12-31T23:59:59Z"))
    assert.isDefined(limit.check(Date.parse("2027-01-01T00:00:02Z")))
  })
})

describe("an emulator with a spend limit", () => {
  it.effect("refuses calls after it is reached, with an error that is not retryable", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-10-21T12:00:00Z"))
      const claude = yield* Claude
      yield* claude.create(request)
      const { reason } = yield* Effect.flip(claude.create(request))
      assert.strictEqual(reason._tag, "SpendLimitReached")
      assert.isUndefined(reason.retryAfter)
      assert.lengthOf(yield* Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger), 1)
      yield* TestClock.setTime(Date.parse("2026-11-01T00:00:00Z"))
      yield* claude.create(request)
    }).pipe(Effect.provide(Emulator.layer({ spendLimit: 0.000_05 })))
  )
})

const request = {
  model: "claude-haiku-4-5",
  max_tokens: 100,
  messages: [{ role: "user" as const, content: "The cat sat on the mat. The dog lay on the rug." }]
}

const usage = (input: number, output: number): Usage.Usage => ({ ...Usage.zero, input, output })
