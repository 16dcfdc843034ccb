import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Toolkit } from "effect/ai"
import * as ServerTools from "../../../src/call/tools/ServerTools.ts"
import * as ToolFormat from "../../../src/claude/ToolFormat.ts"

describe("ServerTools", () => {
  it("are sent by their type and settings, and need no handler", () => {
    const toolkit = Toolkit.make(
      ServerTools.webSearch({ max_uses: 2, allowed_domains: ["example.com"] }),
      ServerTools.webFetch(),
      ServerTools.codeExecution()
    )
    const { definitions, find } = Result.getOrThrow(ToolFormat.all(toolkit.tools))
    assert.deepStrictEqual(definitions, [
      { type: "web_search_20260318", name: "web_search", max_uses: 2, allowed_domains: ["example.com"] },
      { type: "web_fetch_20260318", name: "web_fetch" },
      { type: "code_execution_20260521", name: "code_execution" }
    ])
    assert.isTrue(find("web_search")?.isServerTool)
  })
})
