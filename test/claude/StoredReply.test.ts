import { assert, describe, it } from "@effect/vitest"
import * as StoredReply from "../../src/claude/StoredReply.ts"
import { message } from "../fixtures.ts"

describe("a stored reply", () => {
  it("decodes to the stored message and request id", () => {
    for (const requestId of ["req_1", undefined]) {
      const reply = { message: message(), requestId }
      assert.deepStrictEqual(StoredReply.decode(StoredReply.encode(reply)), reply)
    }
  })

  it.each([
    ["another text", { message: JSON.stringify(message("Another.")) }],
    ["a text that was cut off", { message: '{"type":"mess' }],
    ["another checksum", { checksum: "0" }]
  ])("with %s than the one that was written is none", (_, change) => {
    const stored = StoredReply.encode({ message: message(), requestId: "req_1" })
    assert.isUndefined(StoredReply.decode({ ...stored, ...change }))
  })
})
