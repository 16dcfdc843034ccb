import { assert, describe, it } from "@effect/vitest"
import * as Reply from "../../src/claude/Reply.ts"
import { message } from "../fixtures.ts"

describe("text", () => {
  it("joins the text blocks, and skips other blocks", () => {
    const answer = message({
      content: [
        { type: "thinking", thinking: "Hm.", signature: "s" },
        { type: "text", text: "One, ", citations: null },
        { type: "tool_use", id: "t1", name: "f", caller: { type: "direct" }, input: {} },
        { type: "text", text: "two.", citations: null }
      ]
    })
    assert.strictEqual(Reply.text(answer), "One, two.")
    assert.strictEqual(Reply.text(message({ content: [] })), "")
  })
})

describe("isMessage", () => {
  it("checks the fields that this library reads", () => {
    assert.isTrue(Reply.isMessage(message()))
    assert.isTrue(Reply.isMessage({ type: "message", content: [], usage: {} }))
    for (const other of [undefined, null, "text", [], {}, { ...message(), type: "error" }]) {
      assert.isFalse(Reply.isMessage(other))
    }
    assert.isFalse(Reply.isMessage({ ...message(), content: "text" }))
    assert.isFalse(Reply.isMessage({ ...message(), content: [null] }))
    assert.isFalse(Reply.isMessage({ ...message(), usage: null }))
  })
})
