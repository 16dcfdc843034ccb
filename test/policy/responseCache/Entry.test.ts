import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Sha256 from "../../../src/claude/Sha256.ts"
import * as Entry from "../../../src/policy/responseCache/Entry.ts"
import { message } from "../../fixtures.ts"

describe("an entry", () => {
  it("decodes to the written value, in memory and from JSON", () => {
    const entry = { message: message(), requestId: "req_1", generations }
    assert.deepStrictEqual(Entry.decode("k1", Entry.encode("k1", reply(), generations)), entry)
    assert.deepStrictEqual(Entry.decode("k1", stored), entry)
  })

  it.each([
    ["belongs to another key", outside(Entry.encode("k2", reply(), generations))],
    ["has another version", { ...stored, version: 2 }],
    ["has a message that does not match its checksum", { ...stored, message: JSON.stringify(message("Another.")) }],
    ["has something else as its message", changed("{}")],
    ["has a message that is not JSON", changed('{"type":"mess')],
    ["lacks a field", { version: 1, key: "k1" }],
    ["is not an object", "text"],
    ["is absent", undefined]
  ])("does not decode if it %s", (_, data) => {
    assert.isUndefined(Entry.decode("k1", data))
  })
})

// Builders

const generations = { "model claude-sonnet-5-5": "" }
const stored = outside(Entry.encode("k1", reply(), generations))

/** The entry after a store outside the process has written and read it as JSON. */
function outside(entry: object) {
  return Schema.decodeSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))(JSON.stringify(entry))
}

function reply() {
  return { message: message(), requestId: "req_1", origin: "api", rateLimits: undefined } as const
}

/** An entry with this text as its message, and a matching checksum. */
function changed(text: string) {
  return { ...stored, message: text, checksum: Sha256.hex(text) }
}
