import { assert, describe, it } from "@effect/vitest"
import { Prompt } from "effect/ai"
import * as ToolOutput from "../../../src/call/mcp/ToolOutput.ts"

describe("the output of an MCP tool", () => {
  it("is a line where its structured content is nested too deep for JSON.stringify", () => {
    const deep = Array.from({ length: 50_000 }).reduce<Record<string, unknown>>((value) => ({ value }), {})
    const parts = ToolOutput.parts({ content: [], structuredContent: deep } as never)
    assert.deepStrictEqual(parts, [Prompt.textPart({ text: "[The result is omitted: it is nested too deep.]" })])
  })
})
