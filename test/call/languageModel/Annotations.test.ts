import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import * as Ai from "effect/ai/LanguageModel"
import * as LanguageModel from "../../../src/call/LanguageModel.ts"
import * as TestClaude from "../../../src/testing/TestClaude.ts"
import { message } from "../../fixtures.ts"

describe("the span of effect/ai", () => {
  it.effect("has the attributes of the request and of the answer, and no text", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.Span> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      yield* Effect.provideService(Ai.generateText({ prompt: "Hi" }), Tracer.Tracer, tracer)
      const span = spans.find(({ name }) => name === "LanguageModel.generateText")
      const attributes = Object.fromEntries(span?.attributes ?? [])
      assert.deepInclude(attributes, {
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-5-5",
        "gen_ai.request.max_tokens": 4096,
        "gen_ai.response.id": "msg_1",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 20
      })
      assert.notInclude(JSON.stringify(attributes), "Hello")
    }).pipe(Effect.provide(LanguageModel.layer().pipe(Layer.provide(TestClaude.layer(message())))))
  )
})
