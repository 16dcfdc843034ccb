import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as ToolChoice from "../../../src/call/languageModel/ToolChoice.ts"

describe("the tool choice", () => {
  it("is the API's", () => {
    const made = (choice: Parameters<typeof ToolChoice.make>[0]) =>
      Result.getOrThrow(ToolChoice.make(choice, "claude-haiku-5-5", (name) => name.replace(".", "_")))
    assert.isUndefined(made("auto"))
    assert.isUndefined(made({ oneOf: ["files.read"] }))
    assert.deepStrictEqual(made("none"), { type: "none" })
    assert.deepStrictEqual(made("required"), { type: "any" })
    assert.deepStrictEqual(made({ oneOf: ["files.read"], mode: "required" }), { type: "any" })
    assert.deepStrictEqual(made({ tool: "files.read" }), { type: "tool", name: "files_read" })
  })

  it("is refused with a remedy where the model refuses forced calls", () => {
    const made = ToolChoice.make("required", "claude-sonnet-5-5", (name) => name)
    assert(Result.isFailure(made))
    assert.match(made.failure.message, /claude-sonnet-5-5 refuses forced tool calls; use toolChoice "auto"/)
  })
})
