import { assert, describe, it } from "@effect/vitest"
import * as Utilisation from "../../../src/policy/rateLimit/Utilisation.ts"

describe("Utilisation", () => {
  it("sums up the last minute", () => {
    const uses = Utilisation.make()
    uses.add(0, { requests: 1, inputTokens: 10, outputTokens: 5 })
    uses.add(59_000, { requests: 1, inputTokens: 20, outputTokens: 7 })
    assert.deepStrictEqual(uses.lastMinute(59_900), { requests: 2, inputTokens: 30, outputTokens: 12 })
    assert.deepStrictEqual(uses.lastMinute(60_500), { requests: 1.5, inputTokens: 25, outputTokens: 9.5 })
    assert.deepStrictEqual(uses.lastMinute(61_000), { requests: 1, inputTokens: 20, outputTokens: 7 })
    assert.deepStrictEqual(uses.lastMinute(600_000), { requests: 0, inputTokens: 0, outputTokens: 0 })
  })

  it("is the share of each limit, where it is known", () => {
    const used = { requests: 30, inputTokens: 100, outputTokens: 50 }
    assert.deepStrictEqual(Utilisation.of("claude-opus-5", used, { requests: 60 }, "requests"), [
      { group: "claude-opus-5", bucket: "requests", limit: 60, used: 30, share: 0.5, binds: true },
      { group: "claude-opus-5", bucket: "inputTokens", limit: undefined, used: 100, share: undefined, binds: false },
      { group: "claude-opus-5", bucket: "outputTokens", limit: undefined, used: 50, share: undefined, binds: false }
    ])
  })
})
