import { assert, describe, it } from "@effect/vitest"
import { Job } from "effect-claude"
import * as Schema from "effect/Schema"
import * as Kind from "../../../src/pipeline/journal/Kind.ts"
import * as ResultLine from "../../../src/pipeline/ResultLine.ts"
import { greetings } from "../jobs.ts"

describe("Kind.fieldsOf", () => {
  it("has the fields that a line of the results has", () => {
    const outputs: ReadonlyArray<Schema.Codec<unknown>> = [
      Schema.Struct({ label: Schema.String, note: Schema.optionalKey(Schema.NullOr(Schema.String)) }),
      Schema.Union([Schema.Struct({ a: Schema.String }), Schema.Struct({ b: Schema.Int })]),
      Schema.String,
      Schema.Array(Schema.String)
    ]
    for (const output of outputs) {
      const shape = Job.shape({ ...greetings([]), output })
      assert.deepStrictEqual(Kind.fieldsOf(shape), ResultLine.fields(output), JSON.stringify(shape))
    }
  })

  it("is undefined where the shape does not tell", () => {
    assert.isUndefined(Kind.fieldsOf(null))
    assert.isUndefined(Kind.fieldsOf({ steps: "a", output: { schema: { $ref: "#/$defs/Tree" } } }))
  })
})
