import { assert, it } from "@effect/vitest"
import * as Differences from "../../../src/pipeline/journal/Differences.ts"

it("names each value that differs by its path, and leaves out long ones", () => {
  const before = { steps: ["a", "b"], output: { type: "string" }, prompt: "Sort it. ".repeat(10), same: 1 }
  const now = { steps: ["a"], output: { type: "object", fields: {} }, prompt: "Order it. ".repeat(10), same: 1 }
  assert.deepStrictEqual(Differences.between(before, now), [
    `steps.1 was "b" and is absent`,
    `output.type was "string" and is "object"`,
    "prompt has changed",
    "output.fields was absent and is {}"
  ])
})

it("calls a value without a path the shape", () => {
  assert.deepStrictEqual(Differences.between(null, "text"), [`shape was null and is "text"`])
})

it("finds no difference if only the order of the fields differs", () => {
  assert.deepStrictEqual(Differences.between({ a: 1, b: [] }, { b: [], a: 1 }), [])
})
