import { assert, describe, it } from "@effect/vitest"
import * as JsonStart from "../../../src/call/object/JsonStart.ts"

describe("the JSON in a text that arrives in pieces starts", () => {
  it.each<[string, string, string, boolean]>([
    ["at its first character", `{"a":1}`, `{"a":1}`, false],
    ["after white space", ` \n{"a":1}`, `{"a":1}`, false],
    ["after prose", `Sure: {"a":1}`, `{"a":1}`, true],
    ["after a fence", '```json\n{"a":1}\n```', '{"a":1}\n```', true],
    ["after a mark in the prose", `See [1]. {"a":1}`, `{"a":1}`, true],
    ["at a list of objects", `[ \n{"a":1}]`, `[ \n{"a":1}]`, false],
    ["nowhere in prose", `I cannot [answer] that.`, "", true],
    ["nowhere in a bare list of numbers", `[1,2]`, "", true]
  ])("%s", (_, text, json, hasProse) => {
    for (let size = 1; size <= text.length; size++) {
      const start = JsonStart.make()
      let found = ""
      for (let at = 0; at < text.length; at += size) found += start.take(text.slice(at, at + size))
      assert.strictEqual(found, json)
      assert.strictEqual(start.hasProse(), hasProse)
    }
  })
})
