import { assert, describe, it } from "@effect/vitest"
import * as Shape from "../../../src/claude/outputFormat/Shape.ts"

describe("a value of an unexpected shape is read and written unchanged", () => {
  const node = Shape.map({ value: {} })
  const fields = [{ name: "a", node }]
  const holds = () => true
  it.each<[string, Shape.Mapping]>([
    ["a list", Shape.each(node)],
    ["an object", Shape.fields(fields)],
    ["a tuple", Shape.tuple(fields, undefined, [])],
    ["a map", node],
    ["an object with a map", Shape.fieldsAndMaps(fields, [{ name: "others", value: {}, holds }])],
    ["a union", Shape.oneOf([{ node, holds: () => false }])]
  ])("%s", (_, mapping) => {
    for (const value of ["text", 7, null, undefined]) {
      assert.strictEqual(Shape.read(mapping, value), value)
      assert.strictEqual(Shape.write(mapping, value), value)
    }
  })

  it("a list of something other than entries, in place of a map", () => {
    for (const value of [[1], [{ key: 1, value: 2 }], [{ key: "a" }, { key: "a", value: 1 }], { a: 1 }]) {
      assert.strictEqual(Shape.read(node, value), value)
    }
  })
})

describe("a part without a mapping", () => {
  it("needs no mapping of the whole", () => {
    assert.deepStrictEqual(Shape.each({}), {})
    assert.deepStrictEqual(Shape.fields([{ name: "a", node: {} }]), {})
    assert.deepStrictEqual(Shape.oneOf([{ node: {}, holds: () => true }]), {})
  })

  it("stays as it is beside a part with one", () => {
    const mapping = Shape.fields([
      { name: "a", node: Shape.map({ value: {} }) },
      { name: "b", node: {} }
    ])
    const [sent, json] = [
      { a: [{ key: "k", value: 1 }], b: 2, c: 3 },
      { a: { k: 1 }, b: 2, c: 3 }
    ]
    assert.deepStrictEqual(Shape.read(mapping, sent), json)
    assert.deepStrictEqual(Shape.write(mapping, json), sent)
  })
})

describe("a tuple", () => {
  const field = (name: string) => ({ name, node: {} })
  const many = field("rest")
  const mapping = Shape.tuple([field("0"), field("1")], many, [field("last1"), field("last2")])

  it("keeps the order of its first elements, its rest and its last elements", () => {
    const sent = { 0: "a", 1: "b", rest: ["c", "d"], last1: "e", last2: "f" }
    assert.deepStrictEqual(Shape.read(mapping, sent), ["a", "b", "c", "d", "e", "f"])
    assert.deepStrictEqual(Shape.write(mapping, ["a", "b", "c", "d", "e", "f"]), sent)
  })

  it("is read without the elements that are missing", () => {
    assert.deepStrictEqual(Shape.read(mapping, { 0: "a", last2: "f" }), ["a", "f"])
    assert.deepStrictEqual(Shape.read(mapping, { 0: "a", rest: "no list" }), ["a"])
  })
})

describe("an object with maps", () => {
  const starts = (start: string) => (key: unknown) => String(key).startsWith(start)
  const list = Shape.each(Shape.map({ value: {} }))
  const mapping = Shape.fieldsAndMaps(
    [{ name: "xa", node: list }],
    [
      { name: "others1", value: {}, holds: starts("x") },
      { name: "others2", value: {}, holds: starts("") }
    ]
  )

  it("puts each key in the first map that it belongs to, and a known field in no map", () => {
    const json = { xa: [{ k: 1 }], xb: 2, c: 3 }
    const sent = {
      xa: [[{ key: "k", value: 1 }]],
      others1: [{ key: "xb", value: 2 }],
      others2: [{ key: "c", value: 3 }]
    }
    assert.deepStrictEqual(Shape.write(mapping, json), sent)
    assert.deepStrictEqual(Shape.read(mapping, sent), json)
  })

  it("is read with the known field if a map has the same key, and without a map that is missing", () => {
    assert.deepStrictEqual(Shape.read(mapping, { xa: [], others2: [{ key: "xa", value: 7 }] }), { xa: [] })
    assert.deepStrictEqual(Shape.read(mapping, {}), {})
  })
})

describe("a union", () => {
  const isText = (json: unknown) => typeof json === "string"
  const node = { read: (sent: unknown) => `read ${String(sent)}`, write: (json: unknown) => `written ${String(json)}` }

  it("is read and written by the first member that the value belongs to", () => {
    const mapping = Shape.oneOf([
      { node: { ...node, read: () => 7 }, holds: (json) => json === "x" },
      { node, holds: isText }
    ])
    assert.strictEqual(Shape.read(mapping, "a"), "read a")
    assert.strictEqual(Shape.write(mapping, "a"), "written a")
    assert.strictEqual(Shape.write(mapping, 7), 7)
  })
})

describe("a value as the only field of an object", () => {
  const mapping = Shape.wrapped("value", {})

  it("is read with and without the object", () => {
    assert.strictEqual(Shape.read(mapping, { value: 1 }), 1)
    for (const bare of [1, { value: 1, other: 2 }, { other: 1 }, {}])
      assert.strictEqual(Shape.read(mapping, bare), bare)
    assert.deepStrictEqual(Shape.write(mapping, 1), { value: 1 })
  })
})

describe("any JSON", () => {
  it("is read from its text, and a text that is no JSON stays a text", () => {
    assert.deepStrictEqual(Shape.anyJson.read('{"a":[1]}'), { a: [1] })
    assert.strictEqual(Shape.anyJson.read("plain words"), "plain words")
    assert.deepStrictEqual(Shape.anyJson.read({ a: 1 }), { a: 1 })
    assert.strictEqual(Shape.anyJson.write({ a: [1] }), '{"a":[1]}')
  })
})

describe("a duration", () => {
  it.each([
    ["P1W", 604_800_000],
    ["P1D", 86_400_000],
    ["P2DT3H", 183_600_000],
    ["PT1H30M", 5_400_000],
    ["PT90S", 90_000],
    ["PT0.25S", 250],
    ["P1W2DT3H4M5.006S", 788_645_006]
  ])("is read from ISO 8601: %s", (text, value) => {
    assert.deepStrictEqual<unknown>(Shape.duration.read(text), { _tag: "Millis", value })
  })

  it.each(["P1Y", "P1M", "PT", "P1DT", "1D", "PT1H2", "xPT1S", "PT1Sx", "", 90, null])(
    "stays as it is if it is not in that form: %j",
    (sent) => {
      assert.strictEqual(Shape.duration.read(sent), sent)
    }
  )

  it("is written in seconds, unless it is negative or has no length", () => {
    assert.strictEqual(Shape.duration.write({ _tag: "Millis", value: 1500 }), "PT1.5S")
    assert.strictEqual(Shape.duration.write({ _tag: "Millis", value: 0 }), "PT0S")
    for (const json of [{ _tag: "Millis", value: -1 }, { _tag: "Infinity" }, "PT1S"]) {
      assert.strictEqual(Shape.duration.write(json), json)
    }
  })
})
