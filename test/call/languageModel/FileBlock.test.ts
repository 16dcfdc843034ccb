import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Base64 from "effect/encoding/Base64"
import * as Prompt from "effect/ai/Prompt"
import * as FileBlock from "../../../src/call/languageModel/FileBlock.ts"

const encoded = (text: string) => new TextEncoder().encode(text)
const bytes = encoded("Grüße")
const pdf = encoded("%PDF-1.7\n%%EOF")
/** One pixel. */
const pngBase64 = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
const png = Result.getOrThrow(Base64.decode(pngBase64))

describe("a file of a prompt", () => {
  it("is an image from bytes, base64, a data URL or a URL", () => {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: pngBase64 } }
    for (const data of [png, pngBase64, `data:image/png;base64,${pngBase64}`]) {
      assert.deepStrictEqual<unknown>(blockOf("image/png", data), image)
    }
    const url = { type: "image", source: { type: "url", url: "https://example.com/a.png" } }
    assert.deepStrictEqual<unknown>(blockOf("image/*", new URL("https://example.com/a.png")), url)
    assert.deepStrictEqual<unknown>(blockOf("image/png", "https://example.com/a.png"), url)
  })

  it("is an image of the type that its bytes have", () => {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: pngBase64 } }
    for (const type of ["image/jpg", "image/*", "image/tiff"])
      assert.deepStrictEqual<unknown>(blockOf(type, png), image)
  })

  it("is decoded and checked once for each part of a conversation", () => {
    const first = Prompt.make([
      { role: "user", content: [Prompt.filePart({ mediaType: "image/png", data: pngBase64 })] }
    ])
    const second = Prompt.concat(first, "What is it?")
    const blocks = [first, second].map(({ content: [message] }) =>
      message?.role === "user" && message.content[0]?.type === "file" ? FileBlock.make(message.content[0]) : undefined
    )
    assert.isDefined(blocks[0])
    assert.strictEqual(blocks[0], blocks[1])
  })

  it("is a document with the title of the file, and its options", () => {
    assert.deepStrictEqual<unknown>(
      block({
        mediaType: "application/pdf",
        data: pdf,
        fileName: "letter.pdf",
        options: { anthropic: { citations: { enabled: true }, documentContext: "of 1848" } }
      }),
      {
        type: "document",
        source: { type: "base64", media_type: "application/pdf", data: Base64.encode(pdf) },
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
    const refusal = (mediaType: string, data: Prompt.FilePart["data"]) =>
      Result.getOrThrow(Result.flip(FileBlock.make(Prompt.filePart({ mediaType, data, fileName: "a" }))))
    assert.match(
      refusal("image/tiff", encoded("II*\0")),
      /^the file a of type image\/tiff cannot be sent: .+ convert it/
    )
    assert.match(refusal("audio/mp3", ""), /Claude reads images, PDFs and text/)
    assert.match(refusal("image/png", ""), /it is empty; give another file/)
    assert.match(refusal("image/png", "a picture"), /its data is not Base64; give bytes, Base64, or a URL/)
    assert.match(refusal("image/png", pdf), /its content is of type application\/pdf; name this type/)
    assert.match(refusal("application/pdf", png), /its content is of type image\/png; name this type/)
    assert.match(refusal("application/pdf", bytes), /this is not a PDF; give a PDF/)
    assert.match(refusal("text/plain", png), /its content is of type image\/png; name this type/)
    assert.match(refusal("text/html", "https://example.com"), /download it/)
  })
})

// Builders

const blockOf = (mediaType: string, data: Prompt.FilePart["data"]) => block({ mediaType, data })

const block = (part: Parameters<typeof Prompt.filePart>[0]) => Result.getOrThrow(FileBlock.make(Prompt.filePart(part)))
