import { assert, describe, it } from "@effect/vitest"
import type { Request } from "../../src/claude/Request.ts"
import * as Models from "../../src/claude/Models.ts"
import * as PromptBlocks from "../../src/claude/PromptBlocks.ts"
import { request } from "../fixtures.ts"

describe("a block is long enough for the cache", () => {
  const least = 3 * Models.minCacheTokens(request.model)
  const isLong = (system: string) => PromptBlocks.read({ ...request, system }).at(0)?.isLongEnough

  it("from three characters a token of the minimum of its model, keys included", () => {
    const rest = least - "type".length - "text".length - "text".length
    assert.isTrue(isLong("x".repeat(rest)))
    assert.isFalse(isLong("x".repeat(rest - 1)))
  })

  it("if the texts in it and in the blocks before it are", () => {
    const half = { type: "text", text: "x".repeat(Math.ceil(least / 2)) } as const
    const blocks = PromptBlocks.read({ ...request, system: [half, half] })
    assert.deepStrictEqual(
      blocks.map(({ isLongEnough }) => isLongEnough),
      [false, true, true]
    )
  })
})

describe("the blocks of a request", () => {
  const text = { type: "text", text: "a" } as const
  const hour = { type: "ephemeral", ttl: "1h" } as const

  it("are its tools, its system prompt and its messages, without empty texts", () => {
    const messages: Request["messages"] = [
      { role: "user", content: [text, text] },
      { role: "assistant", content: "c" },
      { role: "user", content: "" }
    ]
    const blocks = PromptBlocks.read({ ...marked, system: "s", messages })
    assert.deepStrictEqual(
      blocks.map(({ at, level, message, role }) => [level, role, message, at]),
      [
        ["tools", "system", -1, 0],
        ["system", "system", -1, 0],
        ["messages", "user", 0, 0],
        ["messages", "user", 0, 1],
        ["messages", "assistant", 1, 0]
      ]
    )
    assert.deepStrictEqual(PromptBlocks.read({ ...request, system: "", messages: [] }), [])
  })

  it("have their own breakpoints, those in the content of a tool result, and the automatic one of the request", () => {
    const content = [{ ...text, cache_control: hour }]
    const messages: Request["messages"] = [
      { role: "user", content: [text, { type: "tool_result", tool_use_id: "t", content, cache_control }] }
    ]
    const blocks = PromptBlocks.read({ ...request, messages, cache_control: hour })
    assert.deepStrictEqual(
      blocks.map(({ breakpoints }) => breakpoints),
      [[], ["5m", "1h", "1h"]]
    )
  })
})

describe("the entries of a request", () => {
  it("end at its last breakpoint", () => {
    const messages: Request["messages"] = [...marked.messages, { role: "user", content: "Another letter." }]
    assert.deepStrictEqual(PromptBlocks.entries({ ...marked, messages }), PromptBlocks.entries(marked))
  })

  it("leave out the breakpoints before which the prompt is too short", () => {
    assert.deepStrictEqual(PromptBlocks.entries({ ...request, messages: marked.messages }), [])
  })

  it("live as long as their breakpoints", () => {
    const system = [{ type: "text", text: long, cache_control: { type: "ephemeral", ttl: "1h" } } as const]
    assert.deepStrictEqual(
      PromptBlocks.entries({ ...marked, system }).map(({ ttl }) => ttl),
      ["5m", "1h", "5m"]
    )
  })
})

describe("the entries of two requests", () => {
  it("are the same in tools and system, and differ in messages, if a setting differs", () => {
    const [one, other] = [
      PromptBlocks.entries(marked),
      PromptBlocks.entries({ ...marked, tool_choice: { type: "any" } })
    ]
    assert.lengthOf(one, 3)
    assert.deepStrictEqual(other.slice(0, 2), one.slice(0, 2))
    assert.notStrictEqual(other[2]?.key, one[2]?.key)
  })

  it("all differ if the model differs", () => {
    const [one, other] = [PromptBlocks.entries(marked), PromptBlocks.entries({ ...marked, model: "claude-opus-5-5" })]
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
