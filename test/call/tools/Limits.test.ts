import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Effect, Schema } from "effect"
import * as Limits from "../../../src/call/tools/Limits.ts"
import type { Origin } from "../../../src/claude/Reply.ts"
import * as TestClaude from "../../../src/testing/TestClaude.ts"
import * as Usage from "../../../src/claude/Usage.ts"

describe("Limits", () => {
  it("allow 20 turns by default", () => {
    const limitOf = Limits.make({})
    assert.isUndefined(limitOf(19, totals))
    assert.deepInclude(limitOf(20, totals), { limit: "turns" })
  })

  it("count the tokens of the prompt cache, and of what an answer was billed besides", () => {
    const besides = [{ input: 1, output: 2, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 }]
    const usage = { ...Usage.zero, input: 1, output: 2, cacheWrite5m: 3, cacheWrite1h: 4, cacheRead: 5, besides }
    assert.isUndefined(Limits.make({ tokens: 19 })(1, { ...totals, usage }))
    assert.deepInclude(Limits.make({ tokens: 18 })(1, { ...totals, usage }), { limit: "tokens" })
  })

  it("stop at an amount of money, and where a cost is unknown", () => {
    const limitOf = Limits.make({ cost: "0.50 USD" })
    assert.isUndefined(limitOf(1, totals))
    assert.deepInclude(limitOf(1, { ...totals, cost: BigDecimal.fromStringUnsafe("0.5") }), {
      detail: "$0.5000 were spent, and the limit is $0.5000"
    })
    assert.deepInclude(limitOf(1, { ...totals, cost: undefined }), { limit: "cost" })
  })

  it("die of an amount that cannot be read, before the first turn", () => {
    assert.throws(() => Limits.make({ cost: "NaN USD" as `${number} USD` }), /"NaN USD" is not an amount of money/)
  })

  it.effect("count the replies that a job replays, and no replies of a cache", () =>
    Effect.gen(function* () {
      const usage = { input_tokens: 1000, output_tokens: 0 }
      const reply = (origin: Origin) => ({
        message: TestClaude.message({ usage }),
        origin,
        requestId: undefined,
        rateLimits: undefined
      })
      const spent = yield* Limits.add(Limits.nothing, [reply("api"), reply("journal"), reply("cache")])
      assert.strictEqual(spent && BigDecimal.format(spent), "0.004")
    })
  )

  it("keep the conversation out of the form for loggers, and in the stored form", () => {
    const error = new Limits.ToolLimitReached({
      limit: "turns",
      detail: "Claude called tools in each of 2 turns",
      turns: 2,
      usage: Usage.zero,
      cost: BigDecimal.fromStringUnsafe("0.1"),
      messages: [{ role: "user", content: "a secret" }]
    })
    assert.notInclude(JSON.stringify(error), "secret")
    assert.strictEqual(
      error.message,
      "Claude called tools in each of 2 turns; raise limits.turns, or continue with the messages of this error"
    )
    const { messages } = Schema.decodeSync(Limits.ToolLimitReached)(Schema.encodeSync(Limits.ToolLimitReached)(error))
    assert.deepStrictEqual(messages, error.messages)
  })
})

const totals = { usage: Usage.zero, cost: BigDecimal.fromBigInt(0n) }
