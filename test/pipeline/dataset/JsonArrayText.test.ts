import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as JsonArrayText from "../../../src/pipeline/dataset/JsonArrayText.ts"

describe("JsonArrayText", () => {
  it.effect("writes an element a line, however the lines come", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* write(Stream.make("1", "{}", "[2]")), "[\n1,\n{},\n[2]\n]\n")
      assert.strictEqual(yield* write(Stream.rechunk(Stream.make("1", "{}", "[2]"), 1)), "[\n1,\n{},\n[2]\n]\n")
    })
  )

  it.effect("writes an empty array without lines", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* write(Stream.empty), "[]\n")
    })
  )
})

const write = (lines: Stream.Stream<string>) => Stream.mkString(Stream.decodeText(JsonArrayText.encode(lines)))
