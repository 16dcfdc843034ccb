/**
 * Takes the place of `@effect/ai-openai` and `@effect/ai-anthropic` for the programs in the documentation of effect: their
 * client is a `Layer` of `Claude`, and their models are ours.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LanguageModel from "../../../src/call/LanguageModel.ts"
import * as ServerTools from "../../../src/call/tools/ServerTools.ts"
import type { Claude } from "../../../src/claude/Claude.ts"
import * as Emulator from "../../../src/testing/Emulator.ts"

/** What answers the programs. */
export const Answering = Context.Reference("test/Answering", {
  defaultValue: (): { readonly claude: Layer.Layer<Claude> } => ({ claude: Emulator.layer() })
})

export const OpenAiClient = {
  layerConfig: () => Layer.unwrap(Effect.map(Answering, ({ claude }) => claude))
}
/** The newest models refuse forced calls of tools, which one program makes. */
export const OpenAiLanguageModel = { model: (_name: string) => LanguageModel.model("claude-haiku-5-5") }
export const OpenAiTool = { WebSearch: () => ServerTools.webSearch() }

export const AnthropicClient = OpenAiClient
export const AnthropicLanguageModel = { model: (_name: string) => LanguageModel.model("claude-sonnet-5-5") }
