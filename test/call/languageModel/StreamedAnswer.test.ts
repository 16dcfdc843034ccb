import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Ai from "effect/ai/LanguageModel"
import * as Toolkit from "effect/ai/Toolkit"
import * as LanguageModel from "../../../src/call/LanguageModel.ts"
import * as ResponseCache from "../../../src/policy/ResponseCache.ts"
import * as TestClaude from "../../../src/testing/TestClaude.ts"
import { message } from "../../fixtures.ts"
import { call, readFile } from "./blocks.ts"

describe("an answer that effect/ai cannot take", () => {
  for (const [method, ask] of Object.entries({ generateText: whole(), streamText: streamed() })) {
    it.effect(`is removed from the cache by ${method}, so that the next call asks again`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(ask)
        assert.strictEqual(error._tag === "AiError" && error.reason._tag, "ToolNotFoundError")
        assert.include(yield* ask, "tool-result")
        assert.include(yield* ask, "tool-result")
        assert.lengthOf(yield* TestClaude.calls, 2)
      }).pipe(Effect.provide(cached))
    )
  }
})

// Builders

function toolkit() {
  const tools = Toolkit.make(readFile)
  return Effect.provide(tools, tools.toLayer({ "files.read": () => Effect.succeed("text") }))
}

/** The kinds of the parts of an answer. */
function whole() {
  return Effect.gen(function* () {
    const { content } = yield* Ai.generateText({ prompt: "Read it.", toolkit: yield* toolkit() })
    return content.map(({ type }): string => type)
  })
}

function streamed() {
  return Effect.gen(function* () {
    const parts = yield* Stream.runCollect(Ai.streamText({ prompt: "Read it.", toolkit: yield* toolkit() }))
    return parts.map(({ type }): string => type)
  })
}

const answers = [message({ content: [{ ...call, name: "launch" }] }), message({ content: [call] })]

const cached = LanguageModel.layer().pipe(
  Layer.provideMerge(TestClaude.layer(answers).pipe(ResponseCache.policy(), Layer.provide(ResponseCache.layerMemory())))
)
