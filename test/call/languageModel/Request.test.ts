import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ai from "effect/ai/LanguageModel"
import type * as Prompt from "effect/ai/Prompt"
import * as Toolkit from "effect/ai/Toolkit"
import * as LanguageModel from "../../../src/call/LanguageModel.ts"
import * as TestClaude from "../../../src/testing/TestClaude.ts"
import { readFile } from "./blocks.ts"

const search = { type: "web_search_20260318", name: "web_search" } as const

describe("the request of a call", () => {
  it.effect("has the prompt alone, where nothing else is given", () =>
    Effect.map(asked({}, { prompt: "Hi" }), (request) =>
      assert.deepStrictEqual(request, {
        model: "claude-sonnet-5-5",
        max_tokens: 4096,
        messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }]
      })
    )
  )

  it.effect("has the tools of the settings beside the toolkit's, and may call them without a toolkit", () =>
    Effect.gen(function* () {
      const alone = yield* asked({ tools: [search] }, { prompt: "Hi" })
      assert.deepStrictEqual<unknown>([alone?.tools, alone?.tool_choice], [[search], undefined])
      const both = yield* asked({ tools: [search] }, { prompt: "Hi", toolkit, toolChoice: "none" })
      assert.deepStrictEqual(
        both?.tools?.map((tool) => "name" in tool && tool.name),
        ["files_read", "web_search"]
      )
      assert.deepStrictEqual(both?.tool_choice, { type: "none" })
    })
  )

  it.effect("keeps the choice of the settings, unless the call has one", () =>
    Effect.gen(function* () {
      const tool_choice = { type: "auto", disable_parallel_tool_use: true } as const
      const request = yield* asked({ tool_choice }, { prompt: "Hi", toolkit })
      assert.deepStrictEqual(request?.tool_choice, tool_choice)
    })
  )

  it.effect("turns manual thinking off where the thinking of another model is left out", () =>
    Effect.gen(function* () {
      const options = { anthropic: { signature: "s", model: "claude-opus-5" } }
      const prompt: ReadonlyArray<Prompt.MessageEncoded> = [
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "hm", options },
            { type: "text", text: "Hello." }
          ]
        },
        { role: "user", content: "Hi" }
      ]
      yield* Ai.generateText({ prompt })
      const [request] = yield* TestClaude.calls
      assert.deepStrictEqual(request?.thinking, { type: "disabled" })
      assert.deepStrictEqual(request?.messages[0]?.content, [{ type: "text", text: "Hello." }])
    }).pipe(
      Effect.provide(
        LanguageModel.layer({ model: "claude-sonnet-4-5", thinking: { type: "enabled", budget_tokens: 1024 } }).pipe(
          Layer.provideMerge(TestClaude.layer("Hello"))
        )
      )
    )
  )

  it.effect("fails before a call where a file cannot be sent, with what to do", () =>
    Effect.gen(function* () {
      const file = { type: "file", mediaType: "audio/mp3", data: "" } as const
      const prompt: ReadonlyArray<Prompt.MessageEncoded> = [{ role: "user", content: [file] }]
      const error = yield* Effect.flip(Ai.generateText({ prompt }))
      assert.strictEqual(error.reason._tag, "InvalidUserInputError")
      assert.match(error.message, /type audio\/mp3 cannot be sent: .+ convert it/)
      assert.deepStrictEqual(yield* TestClaude.calls, [])
    }).pipe(Effect.provide(LanguageModel.layer().pipe(Layer.provideMerge(TestClaude.layer([])))))
  )
})

// Builders

const toolkit = Toolkit.make(readFile)

const asked = (settings: LanguageModel.Settings, options: Parameters<typeof ask>[0]) =>
  Effect.gen(function* () {
    yield* ask(options)
    const [request] = yield* TestClaude.calls
    return request
  }).pipe(
    Effect.provide(
      Layer.merge(
        LanguageModel.layer(settings).pipe(Layer.provideMerge(TestClaude.layer("Hello"))),
        toolkit.toLayer({ "files.read": () => Effect.succeed("text") })
      )
    )
  )

const ask = (options: {
  readonly prompt: string
  readonly toolkit?: typeof toolkit
  readonly toolChoice?: "auto" | "none"
}) =>
  options.toolkit === undefined
    ? Ai.generateText({ prompt: options.prompt })
    : Ai.generateText({
        prompt: options.prompt,
        toolkit: options.toolkit,
        toolChoice: options.toolChoice ?? "auto"
      })
