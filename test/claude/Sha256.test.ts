import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import * as Schema from "effect/Schema"
import { vi } from "vitest"
import * as Sha256 from "../../src/claude/Sha256.ts"

describe("hex", () => {
  it.prop("is the SHA-256 of a text in UTF-8, with Node's hash and without it", [Schema.String], ([text]) => {
    const expected = createHash("sha256").update(text).digest("hex")
    assert.strictEqual(Sha256.hex(text), expected)
    assert.strictEqual(elsewhere.hex(text), expected)
    assert.notStrictEqual(elsewhere.hex, Sha256.hex)
  })

  it("treats a lone surrogate as a replacement character, as encoders do", () => {
    assert.strictEqual(Sha256.hex("\ud800"), Sha256.hex("\ufffd"))
    assert.strictEqual(elsewhere.hex("\ud800"), Sha256.hex("\ufffd"))
  })
})

describe("make", () => {
  it.prop("gives the same hash of bytes in pieces", [Schema.String, Schema.String], ([start, end]) => {
    for (const { hex, make } of [Sha256, elsewhere]) {
      const hash = make()
      for (const text of [start, end]) hash.add(new TextEncoder().encode(text))
      assert.strictEqual(hash.hex(), hex(start.toWellFormed() + end.toWellFormed()))
    }
  })
})

// Builders

/** The module as it loads outside Node. */
const elsewhere = await (async () => {
  vi.stubGlobal("process", undefined)
  vi.resetModules()
  try {
    return await import("../../src/claude/Sha256.ts")
  } finally {
    vi.unstubAllGlobals()
  }
})()
