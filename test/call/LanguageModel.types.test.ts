import { describe, expectTypeOf, it } from "@effect/vitest"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type * as AiError from "effect/ai/AiError"
import * as Ai from "effect/ai/LanguageModel"
import type * as Model from "effect/ai/Model"
import type * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as LanguageModel from "../../src/call/LanguageModel.ts"
import type { Claude } from "../../src/claude/Claude.ts"

describe("the types", () => {
  it("of layers say that they need Claude, and never fail", () => {
    expectTypeOf(LanguageModel.layer()).toEqualTypeOf<Layer.Layer<Ai.LanguageModel, never, Claude>>()
    expectTypeOf(LanguageModel.model("claude-opus-5-5")).toEqualTypeOf<
      Model.Model<"anthropic", Ai.LanguageModel, Claude>
    >()
  })

  it("of settings are the API's", () => {
    const layer = LanguageModel.layer({
      max_tokens: 9,
      thinking: { type: "adaptive" },
      output_config: { effort: "low" }
    })
    expectTypeOf(layer).toEqualTypeOf<Layer.Layer<Ai.LanguageModel, never, Claude>>()
    // @ts-expect-error: the prompt is an argument of the call.
    LanguageModel.layer({ messages: [] })
    // @ts-expect-error: no level of effort.
    LanguageModel.layer({ output_config: { effort: "huge" } })
    // @ts-expect-error: the name is the first argument.
    LanguageModel.model("claude-opus-5-5", { model: "claude-opus-5" })
  })

  it("of options know what Claude takes where", () => {
    const messages: ReadonlyArray<Prompt.MessageEncoded> = [
      {
        role: "system",
        content: "Be brief.",
        options: { anthropic: { cacheControl: { type: "ephemeral", ttl: "1h" }, thinking: { type: "adaptive" } } }
      },
      {
        role: "user",
        content: [
          {
            type: "file",
            mediaType: "application/pdf",
            data: "",
            options: { anthropic: { citations: { enabled: true } } }
          }
        ],
        options: {
          anthropic: {
            serverTools: [{ type: "web_search_20260318", name: "web_search", max_uses: 2 }],
            betas: ["context-1m-2025-08-07"]
          }
        }
      },
      // @ts-expect-error: no level of effort.
      { role: "user", content: "Hi", options: { anthropic: { effort: "huge" } } },
      // @ts-expect-error: no lifetime of the cache.
      { role: "user", content: "Hi", options: { anthropic: { cacheControl: { type: "ephemeral", ttl: "1d" } } } },
      // @ts-expect-error: no tool of the API.
      { role: "user", content: "Hi", options: { anthropic: { serverTools: [{ type: "web_search", name: "x" }] } } }
    ]
    expectTypeOf(messages).toExtend<Prompt.RawInput>()
  })

  it("of metadata know what Claude sends", () => {
    type Anthropic<Part extends { readonly metadata: { readonly anthropic?: unknown } }> = NonNullable<
      Part["metadata"]["anthropic"]
    >
    expectTypeOf<Anthropic<Response.ReasoningPart>>().toEqualTypeOf<LanguageModel.ReasoningOptions>()
    expectTypeOf<Anthropic<Response.FinishPart>>().toEqualTypeOf<LanguageModel.FinishOptions>()
    expectTypeOf<Anthropic<Response.TextPart>["citations"]>().toExtend<ReadonlyArray<object> | null | undefined>()
  })

  it("of calls are those of effect/ai, with the errors of handlers", () => {
    const Count = Tool.make("count", { success: Schema.Int, failure: Schema.Literal("empty") })
    const toolkit = Toolkit.make(Count)
    const program = Ai.generateText({ prompt: "Count.", toolkit })
    type Errors = typeof program extends Effect.Effect<unknown, infer E, unknown> ? E : never
    expectTypeOf<Errors>().toEqualTypeOf<AiError.AiError | "empty">()
    const words = Ai.streamText({ prompt: "Hi" })
    expectTypeOf(words).toExtend<Stream.Stream<unknown, AiError.AiError, Ai.LanguageModel>>()
  })
})
