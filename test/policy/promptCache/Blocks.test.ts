import { assert, describe, it } from "@effect/vitest"
import type { Request } from "../../../src/claude/Request.ts"
import * as Models from "../../../src/claude/Models.ts"
import * as Blocks from "../../../src/policy/promptCache/Blocks.ts"
import { request } from "../../fixtures.ts"

describe("a block is long enough for the cache", () => {
  const least = 3 * Models.minCacheTokens(request.model)
  const isLong = (system: string) => Blocks.read({ ...request, system }).at(0)?.isLongEnough

  it("from three characters a token of the minimum of its model, keys included", () => {
    const rest = least - "type".length - "text".length - "text".length
    assert.isTrue(isLong("x".repeat(rest)))
    assert.isFalse(isLong("x".repeat(rest - 1)))
  })

  it("if the texts in it and in the blocks before it are", () => {
    const half = { type: "text", text: "x".repeat(Math.ceil(least / 2)) } as const
    const blocks = Blocks.read({ ...request, system: [half, half] })
    assert.deepStrictEqual(
      blocks.map(({ isLongEnough }) => isLongEnough),
      [false, true, true]
    )
  })
})

describe("the entries of two requests", () => {
  it("are the same in tools and system, and differ in messages, if a setting differs", () => {
    const [one, other] = [Blocks.entries(marked), Blocks.entries({ ...marked, tool_choice: { type: "any" } })]
    assert.lengthOf(one, 3)
    assert.deepStrictEqual(other.slice(0, 2), one.slice(0, 2))
    assert.notStrictEqual(other[2]?.key, one[2]?.key)
  })

  it("all differ if the model differs", () => {
    const [one, other] = [Blocks.entries(marked), Blocks.entries({ ...marked, model: "claude-opus-5-5" })]
    for (const { key } of one) assert.notInclude(JSON.stringify(other), key)
  })
})

// Builders

const long = "x".repeat(30_000)
const cache_control = { type: "ephemeral" } as const

const marked: Request = {
  ...request,
  tools: [{ name: "pay", description: long, input_schema: { type: "object" }, cache_control }],
  system: [{ type: "text", text: "Sort it.", cache_control }],
  messages: [{ role: "user", content: [{ type: "text", text: "A letter.", cache_control }] }]
}
