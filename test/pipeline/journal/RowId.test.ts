import { assert, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as RowId from "../../../src/pipeline/journal/RowId.ts"

it("stores a short key as its id", () => {
  assert.deepStrictEqual(RowId.make("row 1"), { id: "row 1", key: null })
})

it("stores a long key by its SHA-256, which fits into an index of PostgreSQL", () => {
  const { id, key } = RowId.make("語".repeat(501))
  assert.match(id, /^sha256:[0-9a-f]{64}$/)
  assert.strictEqual(key, "語".repeat(501))
  assert.isBelow(Buffer.byteLength(RowId.make("語".repeat(500)).id), 2704)
})

it("gives each key a unique id, even a key that looks like the id of a long key", () => {
  const long = "k".repeat(501)
  const { id } = RowId.make(long)
  assert.notStrictEqual(RowId.make(id).id, id)
})

it.prop("keeps the key", [Schema.String], ([text]) => {
  for (const key of [text, `sha256:${text}`, text.padEnd(600, "x")]) {
    assert.strictEqual(RowId.keyOf(RowId.make(key)), key)
  }
})
