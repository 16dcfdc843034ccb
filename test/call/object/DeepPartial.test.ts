import { assert, describe, it } from "@effect/vitest"
import { isBeginning } from "../../../src/call/object/DeepPartial.ts"

const value = { a: "text", b: [1, { c: "d" }], e: null }

describe("a snapshot is the beginning of a value", () => {
  it.each<[string, unknown]>([
    ["if it is equal", value],
    ["if a field is missing", { a: "text" }],
    ["if a text is cut", { a: "te" }],
    ["if a list is cut", { b: [1] }],
    ["if it is cut deeper", { a: "text", b: [1, { c: "" }] }]
  ])("%s", (_, snapshot) => assert.isTrue(isBeginning(snapshot, value)))
})

describe("a snapshot is not the beginning of a value", () => {
  it.each<[string, unknown]>([
    ["if a text differs", { a: "tex " }],
    ["if a number differs", { b: [12] }],
    ["if a list is longer", { b: [1, { c: "d" }, 2] }],
    ["if it has another field", { f: 1 }],
    ["if a list is an object", { b: { 0: 1 } }],
    ["if a null is a text", { e: "" }]
  ])("%s", (_, snapshot) => assert.isFalse(isBeginning(snapshot, value)))
})
