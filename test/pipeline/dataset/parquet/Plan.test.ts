import { assert, describe, it } from "@effect/vitest"
import type { SchemaElement } from "hyparquet-writer"
import * as Plan from "../../../../src/pipeline/dataset/parquet/Plan.ts"

describe("Plan", () => {
  it("keeps the type of a known column, and finds that of any other", () => {
    const { changes, columns } = plan([{ price: "1.50", count: 1 }], price)
    assert.deepStrictEqual(changes, [])
    assert.deepStrictEqual(
      columns.map(({ elements }) => elements[0]?.converted_type ?? elements[0]?.type),
      ["DECIMAL", "INT64"]
    )
  })

  it("names a known column whose values do not fit", () => {
    const { changes } = plan([{ price: "1.50" }, { price: "free" }], price)
    assert.deepStrictEqual(changes, ['the column "price" was DECIMAL(9, 2) and is now STRING'])
  })

  it("gives results the types of their schema, before any value and ahead of other files", () => {
    const { add, end } = Plan.make({
      columns: [Plan.ofElements([price])],
      results: new Map([["key", { _tag: "text" }] as const, ["price", { _tag: "number" }] as const])
    })
    add({ key: "a", note: 1, price: null })
    assert.deepStrictEqual(
      end(1).columns.map(({ elements: [element], name }) => [name, element?.type]),
      [
        ["key", "BYTE_ARRAY"],
        ["note", "INT64"],
        ["price", "DOUBLE"]
      ]
    )
  })

  it("names a type that it replaces", () => {
    const time: SchemaElement = { name: "time", type: "INT96", repetition_type: "OPTIONAL" }
    const { changes } = plan([{ time: "1970-01-01T00:00:00.000000001Z" }], time)
    assert.deepStrictEqual(changes, ['the column "time" was INT96 and is now TIMESTAMP(NANOS)'])
  })

  it("makes a required column optional if a row lacks it", () => {
    const required: SchemaElement = { ...price, repetition_type: "REQUIRED" }
    const repetition = (rows: ReadonlyArray<Record<string, unknown>>) =>
      plan(rows, required).columns[0]?.elements[0]?.repetition_type
    assert.strictEqual(repetition([{ price: "1.50" }]), "REQUIRED")
    assert.strictEqual(repetition([{ price: "1.50" }, { price: null }]), "OPTIONAL")
    assert.strictEqual(repetition([{ price: "1.50" }, {}]), "OPTIONAL")
  })
})

const price: SchemaElement = {
  name: "price",
  type: "INT32",
  converted_type: "DECIMAL",
  precision: 9,
  scale: 2,
  repetition_type: "OPTIONAL"
}

const plan = (rows: ReadonlyArray<Record<string, unknown>>, ...known: ReadonlyArray<SchemaElement>) => {
  const { add, end } = Plan.make({ columns: known.map((element) => Plan.ofElements([element])), results: new Map() })
  for (const row of rows) add(row)
  return end(rows.length)
}
