import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as OutputFormat from "../../../src/claude/OutputFormat.ts"
import * as Nullable from "../../../src/claude/outputFormat/Nullable.ts"
import { words } from "../../../src/claude/outputFormat/JsonText.ts"
import type { JsonSchema } from "../../../src/claude/outputFormat/JsonSchema.ts"

const text: JsonSchema = { type: "string" }
const nothing: JsonSchema = { type: "null" }

describe("null in a schema", () => {
  it("can stand for a missing value where the schema accepts no null of its own", () => {
    for (const schema of [text, { enum: ["a"] }, { const: "a" }, { anyOf: [text, { type: "number" }] } as const]) {
      assert.isTrue(Nullable.canBe(schema), JSON.stringify(schema))
    }
    for (const schema of [nothing, { enum: ["a", null] }, { const: null }, { anyOf: [text, nothing] }] as const) {
      assert.isFalse(Nullable.canBe(schema), JSON.stringify(schema))
    }
  })

  it("cannot stand for a missing value of a text that holds any JSON, null too", () => {
    assert.isFalse(Nullable.canBe({ type: "string", description: words({ type: "object" }) }))
    const { schema } = Result.getOrThrow(OutputFormat.make(Schema.Struct({ any: Schema.optionalKey(Schema.Json) })))
    const any = schema.properties?.["any"]
    assert.isFalse(any === undefined || Nullable.canBe(any), JSON.stringify(any))
    assert.isTrue(Nullable.canBe({ type: "string", description: "the JSON text that the customer sent" }))
  })

  it("costs no union in a list of values and in a union, and one elsewhere", () => {
    assert.deepStrictEqual(Nullable.of({ enum: ["a"], type: "string" }), { enum: ["a", null] })
    assert.deepStrictEqual(Nullable.of({ const: "a", description: "first" }), {
      enum: ["a", null],
      description: "first"
    })
    assert.deepStrictEqual(Nullable.of({ anyOf: [text, { enum: [1] }] }), { anyOf: [text, { enum: [1] }, nothing] })
    assert.deepStrictEqual([{ enum: ["a"] }, { const: "a" }, { anyOf: [text] }, text].map(Nullable.isFree), [
      true,
      true,
      true,
      false
    ])
    const added = Nullable.of(text)
    assert.deepStrictEqual(added, { anyOf: [text, { type: "null", description: "there is no value" }] })
    assert.isTrue(Nullable.is(added))
  })

  it("is found in a union of null and one other schema only", () => {
    assert.isTrue(Nullable.is({ anyOf: [nothing, text] }))
    for (const anyOf of [[text], [text, text], [nothing, nothing], [text, text, nothing]]) {
      assert.isFalse(Nullable.is({ anyOf }))
    }
    assert.isFalse(Nullable.is(text))
  })

  it("is taken out with the descriptions of both schemas", () => {
    assert.deepStrictEqual(Nullable.without({ anyOf: [nothing, text] }), text)
    assert.deepStrictEqual(
      Nullable.without({ description: "The name.", anyOf: [{ ...text, description: "In full." }, nothing] }),
      { type: "string", description: "The name. In full." }
    )
  })
})
