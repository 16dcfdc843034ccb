import { assert, describe, it } from "@effect/vitest"
import * as OpenState from "../../src/run/OpenState.ts"

describe("the place of a state", () => {
  it("is next to the output, which loses its last ending only", () => {
    assert.strictEqual(OpenState.pathOf("data/mails.csv"), "data/mails.state.sqlite")
    assert.strictEqual(OpenState.pathOf("mails.csv.gz"), "mails.csv.state.sqlite")
    assert.strictEqual(OpenState.pathOf("mails.csv.zst"), "mails.csv.state.sqlite")
  })
})
