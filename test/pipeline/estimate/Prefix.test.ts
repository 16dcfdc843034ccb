import { assert, describe, it } from "@effect/vitest"
import { PromptCache, TokenEstimate } from "effect-claude"
import * as Prefix from "../../../src/pipeline/estimate/Prefix.ts"
import { request } from "../../fixtures.ts"

describe("the prompt cache", () => {
  it("is written once and read by every call where the calls share a prefix that is long enough", () => {
    const { calls, once } = Prefix.uses([ask(long, "a"), ask(long, "b"), ask(long, "c")], () => 1)
    const prefix = TokenEstimate.of({ ...request, system: long, messages: [] })
    assert.deepStrictEqual(
      calls.map(({ read, write }) => [read, write]),
      [1, 2, 3].map(() => [prefix, { "5m": 0, "1h": 0 }])
    )
    assert.deepStrictEqual(once, [{ model: request.model, ttl: "5m", tokens: prefix }])
  })

  it("is written by every call where each has a prefix of its own", () => {
    const { calls, once } = Prefix.uses([ask(`1 ${long}`, "a"), ask(`2 ${long}`, "b")], () => 1)
    assert.deepStrictEqual(
      calls.map(({ read, write }) => [read, write["5m"] > 500]),
      [
        [0, true],
        [0, true]
      ]
    )
    assert.deepStrictEqual(once, [])
  })

  it("is not used by a prefix that is too short by the tokens that were counted", () => {
    const { calls } = Prefix.uses([ask(long, "a"), ask(long, "b")], () => 0.1)
    assert.deepStrictEqual(
      calls.map(({ read }) => read),
      [0, 0]
    )
  })
})

// Builders

const long = "This sentence is part of a long system prompt. ".repeat(200)

function ask(system: string, question: string) {
  return PromptCache.place({ ...request, system, messages: [{ role: "user", content: question }] })
}
