import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Tokens from "../../../../src/testing/emulator/request/Tokens.ts"

describe("Tokens", () => {
  it("counts four characters a token", () => {
    assert.strictEqual(Tokens.count(""), 0)
    assert.strictEqual(Tokens.count("word"), 1)
    assert.strictEqual(Tokens.count("words"), 2)
  })

  it.prop(
    "splits a text into as many pieces as it counts, and the pieces join to the text",
    [Schema.String],
    ([text]) => {
      const wellFormed = throughUtf8(text)
      const pieces = Tokens.split(wellFormed)
      assert.strictEqual(pieces.map(throughUtf8).join(""), wellFormed)
      assert.strictEqual(pieces.length, Tokens.count(wellFormed))
    }
  )
})

/** UTF-8 replaces half of a surrogate pair. */
const throughUtf8 = (text: string) => new TextDecoder().decode(new TextEncoder().encode(text))
