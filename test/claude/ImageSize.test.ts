import { assert, describe, it } from "@effect/vitest"
import * as ImageSize from "../../src/claude/ImageSize.ts"

const base64 = (...bytes: ReadonlyArray<number | string>): string =>
  Buffer.concat(
    bytes.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.of(part)))
  ).toString("base64")

const chunk = "\0\0\0\0"

describe("ImageSize.of", () => {
  it("reads a PNG", () => {
    const image = base64("\x89PNG\r\n\x1a\n", chunk, "IHDR", 0, 0, 4, 1, 0, 0, 2, 3)
    assert.deepStrictEqual(ImageSize.of(image), { width: 1025, height: 515 })
  })

  it("reads a GIF", () => {
    assert.deepStrictEqual(ImageSize.of(base64("GIF89a", 1, 4, 3, 2)), { width: 1025, height: 515 })
  })

  it("reads a JPEG behind segments of any kind, fill bytes and tables that share the range of frames", () => {
    const start = "\xff\xd8"
    const exif = "\xff\xe1\0\x06Exif"
    const tables = "\xff\xff\xff\xc4\0\x03\x09"
    const frame = "\xff\xc2\0\x11\x08\x02\x03\x04\x01"
    const segments = base64(start, exif, tables, frame)
    assert.deepStrictEqual(ImageSize.of(segments), { width: 1025, height: 515 })
  })

  it("reads the three kinds of WebP", () => {
    const riff = `RIFF${chunk}WEBP`
    const extended = base64(riff, "VP8X", chunk, chunk, 0, 4, 0, 2, 2, 0)
    const lossy = base64(riff, "VP8 ", chunk, 0, 0, 0, 0x9d, 1, 0x2a, 1, 0x44, 3, 0x42)
    const bits = 1024 + 514 * 16_384
    const lossless = base64(riff, "VP8L", chunk, 0x2f, bits & 255, (bits >> 8) & 255, (bits >> 16) & 255, bits >> 24)
    assert.deepStrictEqual(ImageSize.of(extended), { width: 1025, height: 515 })
    assert.deepStrictEqual(ImageSize.of(lossy), { width: 1025, height: 515 })
    assert.deepStrictEqual(ImageSize.of(lossless), { width: 1025, height: 515 })
  })

  it("knows no size of anything else, and of an image that is cut", () => {
    const png = base64("\x89PNG\r\n\x1a\n", chunk, "IHDR", 0, 0, 4, 1)
    for (const data of [
      "",
      "????",
      base64("%PDF-1.7"),
      png,
      base64(0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff),
      base64("RIFF")
    ]) {
      assert.isUndefined(ImageSize.of(data), data)
    }
  })
})
