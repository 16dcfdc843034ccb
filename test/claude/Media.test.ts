import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Media from "../../src/claude/Media.ts"

describe("the check of an image", () => {
  it("takes 8,000 pixels a side and 10 MB in Base64, and no more", () => {
    const problemOf = (bytes: Uint8Array) =>
      Result.match(Media.image(bytes), { onSuccess: () => undefined, onFailure: ({ problem }) => problem })
    assert.isUndefined(problemOf(png(8000, 8000)))
    assert.strictEqual(problemOf(png(8001, 1)), "size")
    assert.strictEqual(problemOf(png(1, 8001)), "size")
    assert.isUndefined(problemOf(png(8, 8, 7_864_320)))
    assert.strictEqual(problemOf(png(8, 8, 7_864_321)), "size")
  })
})

describe("the check of a PDF", () => {
  it("finds its header behind up to 1,024 other bytes", () => {
    const typeBehind = (count: number) =>
      Media.typeOf(new TextEncoder().encode(`${" x".repeat(count / 2)}%PDF-1.4\n%%EOF`))
    assert.strictEqual(typeBehind(1000), "application/pdf")
    assert.isUndefined(typeBehind(1100))
  })

  it("counts the pages of its last version, and not the ones that an update has replaced", () => {
    assert.strictEqual(problemOf(`${tree(1, 700)}%%EOF\n${tree(1, 7)}%%EOF`), undefined)
    assert.strictEqual(
      problemOf(`${tree(1, 7)}${tree(2, 700)}%%EOF`),
      "the PDF has 700 pages, and a request may have 600; split it"
    )
    assert.strictEqual(problemOf(`${tree(1, 600)}%%EOF`), undefined)
  })

  it("takes no long time for one that is made for it", () => {
    assert.strictEqual(problemOf("1 0 obj<</Type/Pages>>".repeat(300_000)), undefined)
    assert.strictEqual(problemOf(`1 0 obj<<${"/Type/Pages".repeat(300_000)}`), undefined)
  })
})

// Builders

const problemOf = (body: string) =>
  Result.match(Media.pdf(new TextEncoder().encode(`%PDF-1.4\n${body}`)), {
    onSuccess: () => undefined,
    onFailure: ({ detail }) => detail
  })

const tree = (number: number, pages: number) => `${number} 0 obj << /Type /Pages /Kids [] /Count ${pages} >> endobj\n`

/** The beginning of a PNG image of this size, with this number of bytes. */
const png = (width: number, height: number, length = 24) => {
  const bytes = new Uint8Array(length)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82])
  new DataView(bytes.buffer).setUint32(16, width)
  new DataView(bytes.buffer).setUint32(20, height)
  return bytes
}
