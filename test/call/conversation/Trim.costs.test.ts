import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { long, measure, rules, short } from "./trimming.ts"

describe("a conversation of 40 turns, on the emulator", () => {
  it.effect("costs least where it is trimmed rarely and deeply, and most where each turn trims", () =>
    Effect.gen(function* () {
      const all = yield* Effect.all({
        none: measure(rules["no trimming"], short),
        eachTurn: measure(rules["drop the oldest turn in each turn"], short),
        shorten: measure(rules["shorten the oldest text in place"], short),
        half: measure(rules["drop to a half"], short),
        quarter: measure(rules["drop to a quarter"], short),
        summary: measure(rules["summary and a half"], short)
      })
      const byCost = Object.entries(all).toSorted(([, one], [, other]) => one.cost - other.cost)
      assert.deepStrictEqual(byCost.map(([name]) => name).slice(0, 4), ["quarter", "half", "summary", "none"])
      assert.isAbove(all.eachTurn.cost, 3 * all.quarter.cost)
      assert.isAbove(all.shorten.cost, 3 * all.quarter.cost)
      for (const { longest } of [all.eachTurn, all.half, all.quarter]) assert.isAtMost(longest, 12_000)
    })
  )

  it.effect("costs less than without trimming where the API summarises, and its prompts stay short", () =>
    Effect.gen(function* () {
      const none = yield* measure(rules["no trimming"], long)
      const compacted = yield* measure(rules["compaction by the API"], long)
      assert.isBelow(compacted.cost, none.cost)
      assert.isAbove(none.longest, 2 * long.above)
    })
  )

  it.effect("reads each prompt from the cache in the next turn, where nothing is trimmed", () =>
    Effect.gen(function* () {
      const { longest, plain, read, written } = yield* measure(rules["no trimming"], short)
      assert.isAtMost(written, longest)
      assert.isAbove(read, 0.9 * (read + written + plain))
    })
  )
})
