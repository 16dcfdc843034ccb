import { assert, describe, it } from "@effect/vitest"
import * as Occurrences from "../../../../src/testing/emulator/wire/Occurrences.ts"

describe("Occurrences", () => {
  it("counts each hash from 1, independently of other hashes and other counters", () => {
    const occurrence = Occurrences.make()
    const seen = ["a", "b", "a", "a", "b"].map((digit) => occurrence(digit.repeat(64)))
    assert.deepStrictEqual(seen, [1, 1, 2, 3, 2])
    assert.strictEqual(Occurrences.make()("a".repeat(64)), 1)
  })
})
