import { assert, describe, it } from "@effect/vitest"
import * as Shape from "../../../../src/pipeline/dataset/parquet/Shape.ts"

describe("Shape", () => {
  it("finds the narrowest type of the values", () => {
    assert.strictEqual(typeOf(1, -2), "INT64")
    assert.strictEqual(typeOf(1, 1.5, 2), "DOUBLE")
    assert.strictEqual(typeOf(1, 1e300), "DOUBLE")
    assert.strictEqual(typeOf(true, null), "BOOLEAN")
    assert.strictEqual(typeOf("a", ""), "STRING")
    assert.strictEqual(typeOf(), "STRING")
  })

  it("takes JSON for values of several kinds, and for objects that Parquet has no struct for", () => {
    assert.strictEqual(typeOf(1, "a"), "JSON")
    assert.strictEqual(typeOf("a", 1), "JSON")
    assert.strictEqual(typeOf([1], {}), "JSON")
    assert.strictEqual(typeOf({ a: 1 }, 1), "JSON")
    assert.strictEqual(typeOf({}), "JSON")
    assert.strictEqual(typeOf(Object.fromEntries(Array.from({ length: 101 }, (_, index) => [index, 1]))), "JSON")
  })

  it("finds lists and structs, with the fields of all values", () => {
    assert.deepStrictEqual(names([1, null], []), ["column", "list", "element"])
    assert.deepStrictEqual(names({ a: 1 }, { b: [{ c: "x" }] }), ["column", "a", "b", "list", "element", "c"])
  })

  it("is the same object while values do not change it", () => {
    const shape = Shape.add(Shape.nothing, { a: [1.5], b: "x" })
    assert.strictEqual(Shape.add(shape, { b: "y", a: [2.5, null] }), shape)
  })
})

const elements = (values: ReadonlyArray<unknown>) =>
  Shape.elements("column", values.reduce<Shape.Shape>(Shape.add, Shape.nothing))

const typeOf = (...values: ReadonlyArray<unknown>) => {
  const [element] = elements(values)
  return element?.logical_type?.type ?? element?.type
}

const names = (...values: ReadonlyArray<unknown>) => elements(values).map(({ name }) => name)
