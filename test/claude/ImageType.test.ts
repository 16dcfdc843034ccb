import { assert, describe, it } from "@effect/vitest"
import * as ImageType from "../../src/claude/ImageType.ts"

describe("ImageType.of", () => {
  it("knows the four types of the API by their first bytes", () => {
    const begins = ["\u00ff\u00d8\u00ff\u00e0", "\u0089PNG\r\n\u001a\n", "GIF89a", "RIFF0000WEBP"]
    assert.deepStrictEqual(begins.map(of), [...ImageType.types])
  })

  it("knows no other type, and no bytes that end early", () => {
    assert.deepStrictEqual(["", "BM", "RIFF0000WAVE", "GIF", "%PDF-"].map(of), Array(5).fill(undefined))
  })
})

const of = (text: string) => ImageType.of(Uint8Array.from(text, (character) => character.charCodeAt(0)))
