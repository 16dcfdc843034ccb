import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Prompt from "effect/ai/Prompt"
import * as FileBlock from "../../../src/call/languageModel/FileBlock.ts"

const bytes = new TextEncoder().encode("Grüße")

describe("a file of a prompt", () => {
  it("is an image from bytes, base64, a data URL or a URL", () => {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "R3LDvMOfZQ==" } }
    for (const data of [bytes, "R3LDvMOfZQ==", "data:image/png;base64,R3LDvMOfZQ=="]) {
      assert.deepStrictEqual<unknown>(blockOf("image/png", data), image)
    }
    const url = { type: "image", source: { type: "url", url: "https://example.com/a.png" } }
    assert.deepStrictEqual<unknown>(blockOf("image/*", new URL("https://example.com/a.png")), url)
    assert.deepStrictEqual<unknown>(blockOf("image/png", "https://example.com/a.png"), url)
  })

  it("is a document with the title of the file, and its options", () => {
    assert.deepStrictEqual<unknown>(
      block({
        mediaType: "application/pdf",
        data: bytes,
        fileName: "letter.pdf",
        options: { anthropic: { citations: { enabled: true }, documentContext: "of 1848" } }
      }),
      {
        type: "document",
        source: { type: "base64", media_type: "application/pdf", data: "R3LDvMOfZQ==" },
        title: "letter.pdf",
        context: "of 1848",
        citations: { enabled: true }
      }
    )
  })

  it("is a text document from bytes, base64 or the text itself", () => {
    for (const data of [
      bytes,
      "R3LDvMOfZQ==",
      "Grüße",
      "data:text/plain;base64,R3LDvMOfZQ==",
      "data:,Gr%C3%BC%C3%9Fe"
    ]) {
      assert.deepStrictEqual<unknown>(blockOf("text/markdown", data), {
        type: "document",
        source: { type: "text", media_type: "text/plain", data: "Grüße" }
      })
    }
  })

  it("is a file of the Files API, by its id", () => {
    const options = { anthropic: { fileId: "file_1" } }
    assert.deepStrictEqual<unknown>(block({ mediaType: "text/csv", data: "", options }), {
      type: "document",
      source: { type: "file", file_id: "file_1" }
    })
  })

  it("is refused with a remedy where the API takes no such file", () => {
    const refusal = (mediaType: string, data: string) =>
      Result.getOrThrow(Result.flip(FileBlock.make(Prompt.filePart({ mediaType, data, fileName: "a" }))))
    assert.match(refusal("image/tiff", ""), /^the file a of type image\/tiff cannot be sent: .+ convert it/)
    assert.match(refusal("audio/mp3", ""), /Claude reads images, PDFs and text/)
    assert.match(refusal("text/html", "https://example.com"), /download it/)
  })
})

// Builders

const blockOf = (mediaType: string, data: Prompt.FilePart["data"]) => block({ mediaType, data })

const block = (part: Parameters<typeof Prompt.filePart>[0]) => Result.getOrThrow(FileBlock.make(Prompt.filePart(part)))
