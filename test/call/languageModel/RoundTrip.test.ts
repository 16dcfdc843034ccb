import type { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as WholeParts from "../../../src/call/languageModel/WholeParts.ts"
import { blocks, tools } from "./blocks.ts"
import { bytesOf, ofWhole, sentBack } from "./history.ts"

describe("an answer that comes back to the API", () => {
  it.effect.prop("is the same, byte for byte", [Schema.Array(Kind())], ([kinds]) =>
    Effect.gen(function* () {
      const content = kinds.flatMap((kind, at): ReadonlyArray<Anthropic.ContentBlock> => blocks[kind](at))
      const parts = yield* WholeParts.make({ content: [...content], model }, tools)
      assert.deepStrictEqual(sentBack(ofWhole(parts), model), content.map(bytesOf))
    })
  )
})

// Builders

const model = "claude-sonnet-5-5"

function Kind() {
  return Schema.Literals(Object.keys(blocks) as ReadonlyArray<keyof typeof blocks>)
}
