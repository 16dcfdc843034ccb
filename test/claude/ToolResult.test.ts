import { assert, describe, it } from "@effect/vitest"
import { Prompt } from "effect/ai"
import * as ToolResult from "../../src/claude/ToolResult.ts"

describe("ToolResult", () => {
  it("sends a text as it is, another value as JSON, and no value as an empty text", () => {
    const texts = ["a", { a: 1 }, [1], null, undefined].map((encodedResult) => ToolResult.content({ encodedResult }))
    assert.deepStrictEqual(texts, ["a", '{"a":1}', "[1]", "null", ""])
  })

  it("sends a bigint as a text, such as the id of a row in a database", () => {
    const encodedResult = [{ id: 9007199254740993n, name: "Ann" }]
    assert.strictEqual(ToolResult.content({ encodedResult }), '[{"id":"9007199254740993","name":"Ann"}]')
  })

  it("sends the images and documents that the tool made for the model", () => {
    const modelOutput = [
      Prompt.textPart({ text: "The chart" }),
      file("image/png", new Uint8Array([1, 2, 3])),
      file("image/png", "data:image/png;base64,AQID"),
      file("image/jpeg", new URL("https://example.com/a.jpg")),
      file("application/pdf", "AQID", "a.pdf"),
      file("text/csv", new TextEncoder().encode("a,b"))
    ]
    assert.deepStrictEqual(ToolResult.content({ encodedResult: "unused", modelOutput }), [
      { type: "text", text: "The chart" },
      { type: "image", source: { type: "base64", data: "AQID", media_type: "image/png" } },
      { type: "image", source: { type: "base64", data: "AQID", media_type: "image/png" } },
      { type: "image", source: { type: "url", url: "https://example.com/a.jpg" } },
      { type: "document", source: { type: "base64", data: "AQID", media_type: "application/pdf" }, title: "a.pdf" },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "a,b" } }
    ])
  })

  it("leaves out texts of white space only, which the API refuses", () => {
    const modelOutput = ["", " \n", "a "].map((text) => Prompt.textPart({ text }))
    assert.deepStrictEqual(ToolResult.content({ encodedResult: null, modelOutput }), [{ type: "text", text: "a " }])
  })

  it("names the type of a file that the API does not take", () => {
    assert.deepStrictEqual(ToolResult.blockOf(file("audio/wav", new Uint8Array([1]), "a.wav")), {
      type: "text",
      text: "[audio/wav a.wav omitted]"
    })
  })
})

const file = (mediaType: string, data: string | Uint8Array | URL, fileName?: string) =>
  Prompt.filePart({ mediaType, data, ...(fileName !== undefined && { fileName }) })
