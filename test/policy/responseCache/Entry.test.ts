import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Sha256 from "../../../src/claude/Sha256.ts"
import * as Entry from "../../../src/policy/responseCache/Entry.ts"
import { message } from "../../fixtures.ts"

describe("an entry", () => {
  it("is read as it was written, in memory and from JSON", () => {
    const entry = { message: message(), requestId: "req_1", generations }
    assert.deepStrictEqual(Entry.decode("k1", Entry.encode("k1", reply(), generations)), entry)
    assert.deepStrictEqual(Entry.decode("k1", stored), entry)
  })

  it.each([
    ["is of another key", outside(Entry.encode("k2", reply(), generations))],
    ["is of another version", { ...stored, version: 2 }],
    ["has another message than it was written with", { ...stored, message: JSON.stringify(message("Another.")) }],
    ["has a message that is none", changed("{}")],
    ["has a message that is no JSON", changed('{"type":"mess')],
    ["lacks a field", { version: 1, key: "k1" }],
    ["is no object", "text"],
    ["is absent", undefined]
  ])("is none where it %s", (_, data) => {
    assert.isUndefined(Entry.decode("k1", data))
  })
})

// Builders

const generations = { "model claude-sonnet-5-5": "" }
const stored = outside(Entry.encode("k1", reply(), generations))

/** What a store outside of the process makes of it. */
function outside(entry: object) {
  return Schema.decodeSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))(JSON.stringify(entry))
}

function reply() {
  return { message: message(), requestId: "req_1", origin: "api", rateLimits: undefined } as const
}

/** An entry that was written with this as its message. */
function changed(text: string) {
  return { ...stored, message: text, checksum: Sha256.hex(text) }
}
