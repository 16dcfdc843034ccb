import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as PushParser from "../../../src/call/object/PushParser.ts"

describe("a parser that text is pushed into", () => {
  it.effect("shows the value so far, and says whether a piece has changed it", () =>
    Effect.gen(function* () {
      const parser = PushParser.make(() => {})
      assert.isUndefined(parser.root())
      assert.isTrue(yield* parser.push('{"name":"A'))
      assert.deepStrictEqual(parser.root(), { name: "A" })
      assert.isFalse(yield* parser.push(""))
      assert.isTrue(yield* parser.push('da","tags":["x"'))
      assert.deepStrictEqual(parser.root(), { name: "Ada", tags: ["x"] })
      assert.isFalse(parser.isComplete())
      yield* parser.push("]}")
      assert.isTrue(parser.isComplete())
      assert.isFalse(parser.isBroken())
    })
  )

  it.effect("reports each complete part with its path, and the root last", () =>
    Effect.gen(function* () {
      const parts: Array<readonly [path: string, value: string]> = []
      const parser = PushParser.make(({ path, value }) => void parts.push([path.join("."), JSON.stringify(value)]))
      yield* parser.push('{"tags":["x","')
      assert.deepStrictEqual(parts, [["tags.0", '"x"']])
      yield* parser.push('y"]}')
      assert.deepStrictEqual(parts.slice(1), [
        ["tags.1", '"y"'],
        ["tags", '["x","y"]'],
        ["", '{"tags":["x","y"]}']
      ])
    })
  )

  it.effect("takes no cut number for a whole one, and allows white space behind the root", () =>
    Effect.gen(function* () {
      const parser = PushParser.make(() => {})
      yield* parser.push('{"a":1}')
      yield* parser.push(" \n")
      assert.isFalse(parser.isBroken())
      const cut = PushParser.make(() => {})
      yield* cut.push("12")
      assert.isFalse(cut.isComplete())
    })
  )

  it.effect("keeps its value after text that is not JSON, and reports no later part", () =>
    Effect.gen(function* () {
      for (const [first, second] of [
        ['{"a":1,', "oops"],
        ['{"a":1}', "{}"]
      ] as const) {
        let parts = 0
        const parser = PushParser.make(() => void (parts += 1))
        yield* parser.push(first)
        const before = parts
        yield* parser.push(second)
        assert.isTrue(parser.isBroken(), second)
        assert.isFalse(yield* parser.push('"b":2}'))
        assert.deepStrictEqual(parser.root(), { a: 1 })
        assert.strictEqual(parts, before)
      }
    })
  )

  it.effect("gives up a value that is nested deeper than it shows", () =>
    Effect.gen(function* () {
      const nested = (levels: number) =>
        Effect.gen(function* () {
          const parser = PushParser.make(() => {})
          yield* parser.push("[".repeat(levels) + "1" + "]".repeat(levels))
          return parser.isBroken()
        })
      assert.isFalse(yield* nested(PushParser.deepest))
      assert.isTrue(yield* nested(PushParser.deepest + 1))
    })
  )
})
