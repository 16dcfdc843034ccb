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

it("shows values of up to 60 characters, and leaves out both if one of them is longer", () => {
  const text = (length: number) => "x".repeat(length - 2)
  const short = text(60)
  assert.deepStrictEqual(Differences.between({ prompt: short }, { prompt: 1 }), [`prompt was "${short}" and is 1`])
  assert.deepStrictEqual(Differences.between({ prompt: 1 }, { prompt: short }), [`prompt was 1 and is "${short}"`])
  assert.deepStrictEqual(Differences.between({ prompt: text(61) }, { prompt: 1 }), ["prompt has changed"])
  assert.deepStrictEqual(Differences.between({ prompt: 1 }, { prompt: text(61) }), ["prompt has changed"])
})

it("calls a value without a path the shape", () => {
  assert.deepStrictEqual(Differences.between(null, "text"), [`shape was null and is "text"`])
})

it("finds no difference if only the order of the fields differs", () => {
  assert.deepStrictEqual(Differences.between({ a: 1, b: [] }, { b: [], a: 1 }), [])
})
