import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import * as Base64 from "effect/encoding/Base64"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as PlatformError from "effect/PlatformError"
import * as Stream from "effect/Stream"
import * as Content from "../../src/call/Content.ts"
import { generateText } from "../../src/call/text.ts"
import * as Emulator from "../../src/testing/Emulator.ts"
import { fileInfo } from "../fileInfo.ts"

const folder = "out/content"

describe("Content", () => {
  it.effect("reads an image, a PDF and a text from their paths", () =>
    Effect.gen(function* () {
      const image = yield* Content.image(`${folder}/red.png`)
      assert.deepStrictEqual(image, {
        type: "image",
        source: { type: "base64", media_type: "image/png", data: Base64.encode(png(8, 8)) }
      })
      const pdf = yield* Content.pdf(`${folder}/papers/one.pdf`, { citations: true })
      assert.deepStrictEqual(pdf, {
        type: "document",
        source: { type: "base64", media_type: "application/pdf", data: Base64.encode(utf8(onePage)) },
        title: "one.pdf",
        citations: { enabled: true }
      })
      const text = yield* Content.text(`${folder}/notes.txt`, { title: "Notes", context: "Of Monday" })
      assert.deepStrictEqual(text, {
        type: "document",
        source: { type: "text", media_type: "text/plain", data: "Größe" },
        title: "Notes",
        context: "Of Monday"
      })
    }).pipe(Effect.provide(files))
  )

  it.effect("finds out the type of a file from its first bytes, not from its name", () =>
    Effect.gen(function* () {
      const found = yield* Effect.forEach(["red.png", "papers/one.pdf", "notes.txt", "photo.png"], (path) =>
        Effect.map(Content.file(`${folder}/${path}`), ({ source, type }) => [
          type,
          "media_type" in source && source.media_type
        ])
      )
      assert.deepStrictEqual(found, [
        ["image", "image/png"],
        ["document", "application/pdf"],
        ["document", "text/plain"],
        ["image", "image/jpeg"]
      ])
    }).pipe(Effect.provide(files))
  )

  it.effect("passes on addresses and ids of files, without a file system", () =>
    Effect.gen(function* () {
      const url = "https://example.com/a.png" as const
      const linked = { type: "image" as const, source: { type: "url" as const, url } }
      assert.deepStrictEqual(yield* Content.image(url), linked)
      assert.deepStrictEqual(yield* Content.image(new URL(url)), linked)
      assert.deepStrictEqual(yield* Content.file(url), linked)
      assert.deepStrictEqual(yield* Content.file("https://example.com/a/paper.PDF?page=1"), {
        type: "document",
        source: { type: "url", url: "https://example.com/a/paper.PDF?page=1" },
        title: "paper.PDF"
      })
      const source = { type: "file" as const, file_id: "file_011" }
      assert.deepStrictEqual(yield* Content.image({ fileId: "file_011" }), { type: "image", source })
      assert.deepStrictEqual(yield* Content.pdf({ fileId: "file_011" }), { type: "document", source })
      assert.deepStrictEqual(yield* Content.text({ text: "Hi" }), {
        type: "document",
        source: { type: "text", media_type: "text/plain", data: "Hi" }
      })
    })
  )

  it.effect("refuses what the API would refuse, with the path and the remedy", () =>
    Effect.gen(function* () {
      const refused = <A>(content: Effect.Effect<A, Content.ContentInvalid, FileSystem.FileSystem>) =>
        Effect.map(Effect.flip(content), ({ message, problem }) => [problem, message.replace(`${folder}/`, "")])
      assert.deepStrictEqual(
        yield* Effect.all([
          refused(Content.image(`${folder}/none.png`)),
          refused(Content.image(`${folder}/papers`)),
          refused(Content.image(`${folder}/empty.png`)),
          refused(Content.image(`${folder}/photo.heic`)),
          refused(Content.image(`${folder}/notes.txt`)),
          refused(Content.image(png(8001, 10))),
          refused(Content.image(large)),
          refused(Content.pdf(`${folder}/red.png`)),
          refused(Content.pdf(`${folder}/locked.pdf`)),
          refused(Content.pdf(`${folder}/long.pdf`)),
          refused(Content.pdf(`${folder}/huge.pdf`)),
          refused(Content.text(`${folder}/latin1.txt`)),
          refused(Content.image(`${folder}/papers/one.pdf`)),
          refused(Content.text(`${folder}/red.png`)),
          refused(Content.text(`${folder}/papers/one.pdf`)),
          refused(Content.file(`${folder}/letter.docx`)),
          refused(Content.file("https://example.com/download")),
          refused(Content.text("https://example.com/a.txt"))
        ]),
        [
          ["unreadable", "none.png: there is no such file; correct the path"],
          ["unreadable", "papers: this is a folder; give the path of a file"],
          ["size", "empty.png: it is empty; give another file"],
          [
            "type",
            "photo.heic: this is a HEIC image, and not a PNG, JPEG, GIF or WebP image; convert it to one of these"
          ],
          ["type", "notes.txt: this is not a PNG, JPEG, GIF or WebP image; convert it to one of these"],
          ["size", "24 bytes: the image has 8001 × 10 pixels, and may have 8000 a side; scale it down"],
          ["size", "7864344 bytes: the image has 10485792 bytes in Base64, and may have 10485760; scale it down"],
          ["type", "red.png: this is an image; give a PDF, or use Content.file, which finds out the type"],
          ["type", "locked.pdf: the PDF is encrypted, and Claude reads no encrypted PDF; save it without a password"],
          ["size", "long.pdf: the PDF has 601 pages, and a request may have 600; split it"],
          [
            "size",
            "huge.pdf: 3072.0 MB are more than a request of 32 MB can carry (24.0 MB before Base64); split the file, or " +
              "upload it with the Files API and give its id"
          ],
          ["type", "latin1.txt: this is not an image, a PDF or a text in UTF-8; convert it to one of these"],
          ["type", "papers/one.pdf: this is a PDF, and no image; use Content.file, which finds out the type"],
          ["type", "red.png: this is an image, and no text; use Content.file, which finds out the type"],
          ["type", "papers/one.pdf: this is a PDF, and no text; use Content.file, which finds out the type"],
          [
            "type",
            "letter.docx: this is a ZIP file, such as a Word document, and not an image, a PDF or a text in UTF-8; " +
              "convert it to one of these"
          ],
          [
            "type",
            "https://example.com/download: the ending is not one of an image or a PDF; download it, or use Content.image or Content.pdf"
          ],
          ["type", "https://example.com/a.txt: the API reads only images and PDFs by address; download the text"]
        ]
      )
    }).pipe(Effect.provide(files))
  )

  it.effect("takes a text that mentions the header of a PDF for a text, and a PDF behind other bytes for a PDF", () =>
    Effect.gen(function* () {
      const typeOf = (text: string) => Effect.map(Content.file(utf8(text)), ({ source }) => source.type)
      assert.strictEqual((yield* Content.text(utf8("A PDF: %PDF-1.7 … %%EOF"))).source.type, "text")
      assert.strictEqual(yield* typeOf("# PDF\nA file begins with %PDF-1.7"), "text")
      assert.strictEqual(yield* typeOf(`\ufeff\n${onePage.replace("%%EOF", "")}`), "base64")
      assert.strictEqual(yield* typeOf(`HTTP/1.1 200 OK\n\n${onePage}\n`), "base64")
    })
  )

  it.effect("refuses an address that the API does not read, and keeps a long source out of the message", () =>
    Effect.gen(function* () {
      const refused = <A>(content: Effect.Effect<A, Content.ContentInvalid, FileSystem.FileSystem>) =>
        Effect.map(Effect.flip(content), ({ message }) => message)
      assert.deepStrictEqual(
        yield* Effect.all([
          refused(Content.image(new URL("file:///tmp/a.png"))),
          refused(Content.image(`data:image/png;base64,${"A".repeat(500)}`)),
          refused(Content.file("x".repeat(5000))),
          refused(Content.file("")),
          refused(Content.file("a\0b")),
          refused(Content.text({ text: "" })),
          refused(Content.file(new Uint8Array([0xef, 0xbb, 0xbf]))),
          refused(Content.file(new Uint8Array([0xff, 0xfe, 0x61, 0])))
        ]),
        [
          "file:///tmp/a.png: the API reads http and https addresses only; give the path of a file, or its bytes",
          `data:image/png;base64,${"A".repeat(77)}…: this is a data URL; give its bytes`,
          `${"x".repeat(99)}…: the file cannot be read (Unknown); correct the path`,
          '"": there is no such file; correct the path',
          "a\0b: the file cannot be read (BadArgument); correct the path",
          "the text: it is empty; give another one",
          "3 bytes: it is empty; give another file",
          "4 bytes: this is a text in UTF-16, and not an image, a PDF or a text in UTF-8; convert it to one of these"
        ]
      )
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("reads a device only up to the size that a request can carry", () =>
    Effect.gen(function* () {
      const { problem } = yield* Effect.flip(Content.file("/dev/zero"))
      assert.strictEqual(problem, "size")
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("reads a pipe, which has no size, and says that a file may not be read", () =>
    Effect.gen(function* () {
      const { source } = yield* Content.file("/dev/fd/63")
      assert.deepInclude(source, { data: "From a pipe" })
      const later = yield* Effect.flip(Content.check("/dev/fd/63"))
      assert.strictEqual(later.message, "/dev/fd/63: this is a pipe or a device; write its content to a file")
      const { message } = yield* Effect.flip(Content.file("/root/notes.txt"))
      assert.strictEqual(message, "/root/notes.txt: no permission to read the file; change its mode")
    }).pipe(
      Effect.provide(
        FileSystem.layerNoop({
          stat: (path) => (path === "/dev/fd/63" ? Effect.succeed(pipe) : denied),
          stream: () => Stream.make(utf8("From "), utf8("a pipe"))
        })
      )
    )
  )

  it.effect("names a document by its whole file name", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Content.text(`${folder}/papers/Invoice #12?.txt`)).title, "Invoice #12?.txt")
      assert.strictEqual((yield* Content.pdf("https://example.com/a.pdf?from=/b#c")).title, "a.pdf")
    }).pipe(Effect.provide(files))
  )

  it.effect("makes a message that the API takes", () =>
    Effect.gen(function* () {
      const all = yield* Effect.all([
        Content.image(`${folder}/red.png`),
        Content.pdf(`${folder}/papers/one.pdf`),
        Content.file(`${folder}/notes.txt`)
      ])
      const { text } = yield* generateText({ messages: [Content.user(...all, "A square is red.")] })
      assert.include(text, "A square is red.")
    }).pipe(Effect.provide([files, Emulator.layer()]))
  )
})

const pipe = fileInfo("FIFO", 0)

const denied = Effect.fail(
  PlatformError.systemError({ _tag: "PermissionDenied", module: "FileSystem", method: "stat" })
)

const utf8 = (text: string) => new TextEncoder().encode(text)

/** The beginning of a PNG image of this size. */
const png = (width: number, height: number) => {
  const bytes = new Uint8Array(24)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82])
  new DataView(bytes.buffer).setUint32(16, width)
  new DataView(bytes.buffer).setUint32(20, height)
  return bytes
}

const large = new Uint8Array(7_864_344)
large.set(png(8, 8))

const onePage = "%PDF-1.4\n1 0 obj << /Type /Pages /Kids [2 0 R] /Count 1 >> endobj\n%%EOF"

const contents: Readonly<Record<string, Uint8Array>> = {
  "red.png": png(8, 8),
  "photo.png": new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 0]),
  "photo.heic": utf8("\0\0\0\u0018ftypheic"),
  "empty.png": new Uint8Array(),
  "notes.txt": utf8("Größe"),
  "latin1.txt": new Uint8Array([0x47, 0x72, 0xf6, 0xdf, 0x65]),
  "letter.docx": utf8("PK\u0003\u0004\0\0"),
  "papers/one.pdf": utf8(onePage),
  "papers/Invoice #12?.txt": utf8("12 EUR"),
  "locked.pdf": utf8(`${onePage}\ntrailer << /Root 1 0 R /Encrypt 9 0 R >>`),
  "long.pdf": utf8(onePage.replace("/Count 1", "/Count 601")),
  "huge.pdf": new Uint8Array(1)
}

/** The contents in a folder, and a sparse file. */
const files = Layer.effectDiscard(
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    yield* fs.makeDirectory(`${folder}/papers`, { recursive: true })
    for (const [path, bytes] of Object.entries(contents)) yield* fs.writeFile(`${folder}/${path}`, bytes)
    yield* fs.truncate(`${folder}/huge.pdf`, 3 * 2 ** 30)
    yield* Effect.addFinalizer(() => Effect.ignore(fs.remove(folder, { recursive: true })))
  })
).pipe(Layer.provideMerge(NodeServices.layer))
