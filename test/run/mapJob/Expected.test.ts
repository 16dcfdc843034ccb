import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Expected from "../../../src/run/mapJob/Expected.ts"

describe("--expected", () => {
  it("names columns with the names of fields, or a column for a field", () => {
    assert.deepStrictEqual(parse("label"), { label: "label" })
    assert.deepStrictEqual(parse("label, tone=Tone (manual)"), { label: "label", tone: "Tone (manual)" })
  })

  it("means the only field of a result, whatever the column is called", () => {
    assert.deepStrictEqual(
      Expected.parse("answer", Schema.Struct({ text: Schema.String })),
      Result.succeed({ text: "answer" })
    )
  })

  it("refuses a field that the result does not have, one that comes twice, and a column without a name", () => {
    assert.strictEqual(
      parse("lable"),
      '--expected: the result has no field "lable" to compare with the column "lable"; write field=lable, where the fields ' +
        'are "label", "tone"'
    )
    assert.include(String(parse("labl=x")), 'no field "labl" to compare with the column "x"')
    assert.include(String(parse("label, label=x")), '"label" has two expected columns')
    assert.include(String(parse("label,")), "a column has no name")
  })
})

const parse = (text: string) =>
  Result.merge(Expected.parse(text, Schema.Struct({ label: Schema.String, tone: Schema.String })))
