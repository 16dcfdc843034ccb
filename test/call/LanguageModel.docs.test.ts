import { assert, describe, it } from "@effect/vitest"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type * as AiError from "effect/ai/AiError"

import { vi } from "vitest"

import { Overloaded } from "../../src/claude/ClaudeError.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { Answering } from "./languageModel/provider.ts"

// The programs import the packages of other providers, which are not installed.
vi.mock("@effect/ai-openai", () => import("./languageModel/provider.ts"))
vi.mock("@effect/ai-anthropic", () => import("./languageModel/provider.ts"))

describe("the programs in effect's documentation of effect/ai, unchanged but for the provider", () => {
  it.effect("10_language-model drafts, extracts an object, and streams", () =>
    Effect.gen(function* () {
      const { AiWriter } = yield* program<WriterProgram>("10_language-model")
      yield* Effect.gen(function* () {
        const writer = yield* AiWriter
        const draft = yield* writer.draftAnnouncement("Effect Cloud")
        assert.strictEqual(draft.provider, "anthropic")
        assert.match(draft.text, /\w/)
        const plan = yield* writer.extractLaunchPlan("For developers, by mail, on 3 May.")
        assert.include(["developers", "operators", "platform teams"], plan.audience)
        assert.isArray(plan.channels)
        const highlights = yield* Stream.mkString(writer.streamReleaseHighlights("4.1"))
        assert.match(highlights, /\w/)
      }).pipe(Effect.provide(AiWriter.layer))
    })
  )

  it.effect("10_language-model tries the next model of its ExecutionPlan", () =>
    Effect.gen(function* () {
      const { AiWriter } = yield* program<WriterProgram>("10_language-model")
      const claude = TestClaude.layer(
        TestClaude.when(({ model }) => model === "claude-haiku-5-5", Effect.fail(new Overloaded({ detail: "busy" }))),
        "Here it is."
      )
      const draft = yield* Effect.flatMap(AiWriter, (writer) => writer.draftAnnouncement("Effect Cloud")).pipe(
        Effect.provide(AiWriter.layer),
        Effect.provideService(Answering, { claude })
      )
      assert.strictEqual(draft.text, "Here it is.")
    })
  )

  it.effect("20_tools forces a call of a tool, and runs it", () =>
    Effect.gen(function* () {
      const { AssistantToolkitLayer, ProductAssistant } = yield* program<ToolsProgram>("20_tools")
      const answer = yield* Effect.flatMap(ProductAssistant, (assistant) =>
        assistant.answer("Do you have wireless headphones?")
      ).pipe(Effect.provide(ProductAssistant.layer))
      assert.strictEqual(answer.toolCallCount, 1)
      // The handlers beside a server tool.
      yield* Effect.scoped(Layer.build(AssistantToolkitLayer))
    })
  )

  it.effect("30_chat keeps a history, and runs an agent with tools", () =>
    Effect.gen(function* () {
      const { AiAssistant } = yield* program<ChatProgram>("30_chat")
      yield* Effect.gen(function* () {
        const assistant = yield* AiAssistant
        assert.match(yield* assistant.chat("Hello, who are you?"), /\w/)
        assert.match(yield* assistant.chat("And what do you do?"), /\w/)
        assert.match(yield* assistant.agent("What is the current time?"), /\w/)
      }).pipe(Effect.provide(AiAssistant.layer))
    })
  )
})

// Builders

interface Failed {
  readonly reason: AiError.AiErrorReason
}

interface Writer {
  readonly draftAnnouncement: (
    product: string
  ) => Effect.Effect<{ readonly provider: string; readonly text: string }, Failed>
  readonly extractLaunchPlan: (
    notes: string
  ) => Effect.Effect<{ readonly audience: string; readonly channels: ReadonlyArray<string> }, Failed>
  readonly streamReleaseHighlights: (version: string) => Stream.Stream<string, Failed>
}

interface Assistant {
  readonly chat: (message: string) => Effect.Effect<string, Failed>
  readonly agent: (question: string) => Effect.Effect<string, Failed>
}

interface Products {
  readonly answer: (
    question: string
  ) => Effect.Effect<{ readonly text: string; readonly toolCallCount: number }, Failed>
}

type Service<S> = Context.Service<S, S> & { readonly layer: Layer.Layer<S> }

interface WriterProgram {
  readonly AiWriter: Service<Writer>
}
interface ToolsProgram {
  readonly ProductAssistant: Service<Products>
  readonly AssistantToolkitLayer: Layer.Layer<unknown>
}
interface ChatProgram {
  readonly AiAssistant: Service<Assistant>
}

/** Loads a program of the installed effect. Its types need the packages of the other providers. */
const program = <Program>(name: string) =>
  Effect.promise(async (): Promise<Program> => import(`../../node_modules/effect/ai-docs/src/71_ai/${name}.ts`))
