import { assert, describe, it } from "@effect/vitest"
import * as Prompt from "effect/ai/Prompt"
import * as Blocks from "../../../src/call/languageModel/Blocks.ts"

describe("the blocks of a prompt", () => {
  it("have the result of a tool as text, as JSON, or as what it made for the model", () => {
    const contentOf = (result: unknown, modelOutput?: Prompt.ToolResultPart["modelOutput"]) =>
      Blocks.ofResult(Prompt.toolResultPart({ ...result_, result, ...(modelOutput && { modelOutput }) })).content
    assert.strictEqual(contentOf("sunny"), "sunny")
    assert.strictEqual(contentOf({ degrees: 21 }), '{"degrees":21}')
    assert.strictEqual(contentOf(null), "null")
    const image = Prompt.filePart({ mediaType: "image/png", data: new Uint8Array([1, 2, 3]) })
    assert.deepStrictEqual<unknown>(contentOf("unused", [Prompt.textPart({ text: "A map:" }), image]), [
      { type: "text", text: "A map:" },
      { type: "image", source: { type: "base64", media_type: "image/png", data: "AQID" } }
    ])
  })

  it("say that a result is a failure", () => {
    assert.isTrue(Blocks.ofResult(Prompt.toolResultPart({ ...result_, result: "", isFailure: true })).is_error)
  })

  it("have the name and the arguments of a call as Claude sent them", () => {
    const call = Prompt.toolCallPart({
      id: "toolu_1",
      name: "files.read",
      params: { path: "a" },
      providerExecuted: false,
      options: { anthropic: { name: "files_read_2", input: { path: ["a"] }, caller: { type: "direct" } } }
    })
    assert.deepStrictEqual<unknown>(blocksOf(call), [
      {
        type: "tool_use",
        id: "toolu_1",
        name: "files_read_2",
        input: { path: ["a"] },
        caller: { type: "direct" }
      }
    ])
  })

  it("have the name of this toolkit for a call that came from another provider", () => {
    const call = Prompt.toolCallPart({ id: "call_1", name: "files.read", params: {}, providerExecuted: false })
    assert.deepStrictEqual<unknown>(blocksOf(call), [{ type: "tool_use", id: "call_1", name: "files_read", input: {} }])
  })

  it("name a file that an assistant made, because the API takes none from it", () => {
    const file = Prompt.filePart({ mediaType: "image/png", data: "", fileName: "map.png" })
    assert.deepStrictEqual<unknown>(blocksOf(file), [{ type: "text", text: "[image/png map.png]" }])
  })
})

// Builders

const result_ = { id: "toolu_1", name: "weather", isFailure: false, providerExecuted: false }

const blocksOf = (part: Prompt.AssistantMessagePart) =>
  Blocks.ofAssistant(Prompt.assistantMessage({ content: [part] }), {
    nameOf: (name) => name.replace(".", "_"),
    model: "claude-sonnet-5-5"
  })
