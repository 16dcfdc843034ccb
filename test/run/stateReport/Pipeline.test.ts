import { assert, describe, it } from "@effect/vitest"
import * as Pipeline from "../../../src/run/stateReport/Pipeline.ts"

describe("the steps of a report", () => {
  it("are nested as the outline indents them", () => {
    const step = (name: string, steps: ReadonlyArray<unknown> = []) => ({ name, steps })
    assert.deepStrictEqual(
      Pipeline.parse("sort → draft\n  sort\n  draft\n    tone\n"),
      step("", [step("sort → draft", [step("sort"), step("draft", [step("tone")])])])
    )
  })

  it("are none for a state without an outline", () => {
    assert.deepStrictEqual(Pipeline.parse("").steps, [])
  })
})
