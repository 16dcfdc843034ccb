import { assert, describe, it } from "@effect/vitest"
import * as RowKey from "../../src/pipeline/RowKey.ts"

describe("RowKey", () => {
  it("accepts any string that a database stores unchanged", () => {
    for (const key of [
      "",
      " ",
      "1",
      "01",
      "__proto__",
      "a\nb",
      "\u001b[31m",
      "😀",
      "café",
      "cafe\u0301",
      "x".repeat(1e5)
    ]) {
      assert.isUndefined(RowKey.problemOf(key))
    }
  })

  it("refuses strings that a database cannot store unchanged", () => {
    assert.strictEqual(RowKey.problemOf("\ud83d"), "its key has half a character (a lone surrogate); remove it")
    assert.strictEqual(RowKey.problemOf("a\u0000b"), "its key has the character U+0000; remove it")
  })

  it("refuses other values, which untyped programs can return", () => {
    assert.strictEqual(RowKey.problemOf(7), "its key must be a string, got 7; return a string, as String(id)")
    assert.match(RowKey.problemOf(undefined) ?? "", /got undefined/)
    assert.match(RowKey.problemOf(null) ?? "", /got null/)
    assert.match(RowKey.problemOf({ id: 1 }) ?? "", /got an object/)
    assert.match(RowKey.problemOf(["a"]) ?? "", /got an object/)
  })

  it("is shown on one line, without control characters, and shortened", () => {
    assert.strictEqual(RowKey.show("a\nb\u001b[31m"), "a\\u000ab\\u001b[31m")
    assert.strictEqual(RowKey.show("x".repeat(100)), `${"x".repeat(79)}…`)
    assert.strictEqual(RowKey.show("café 😀"), "café 😀")
  })

  it("is a hash of the whole row for rows that have none, whatever the order of their columns", () => {
    const key = RowKey.ofContent({ id: 1, text: "a", tags: ["x", { y: null }] })
    assert.match(key, /^[0-9a-f]{20}$/)
    assert.strictEqual(RowKey.ofContent({ text: "a", tags: ["x", { y: null }], id: 1 }), key)
    const others = [
      { id: "1", text: "a" },
      { id: 1 },
      [["id", 1]],
      "id",
      null,
      1,
      "1",
      [1, [2]],
      [[1, 2]],
      [1, 2],
      {},
      []
    ]
    assert.strictEqual(new Set([key, ...others.map(RowKey.ofContent)]).size, others.length + 1)
  })
})
