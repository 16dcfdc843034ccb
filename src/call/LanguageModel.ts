/**
 * The `LanguageModel` of effect/ai, made from `Claude`: `generateText`, `streamText`, `generateObject`, `Toolkit` and
 * `Chat` run over the policies of this library. Provider options are `options.anthropic` of messages and parts; see
 * `languageModel/ProviderOptions.ts`. A paused turn is continued, as the verbs of `Claude` do.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Ai from "effect/ai/LanguageModel"
import * as Model from "effect/ai/Model"
import { Claude } from "../claude/Claude.ts"
import { Redactor } from "../claude/Redact.ts"
import type { Request } from "../claude/Request.ts"
import * as Failure from "./languageModel/Failure.ts"
import type { Settings } from "./languageModel/Settings.ts"
import * as StreamedAnswer from "./languageModel/StreamedAnswer.ts"
import * as StructuredOutput from "./languageModel/StructuredOutput.ts"
import * as WholeAnswer from "./languageModel/WholeAnswer.ts"

export { claudeError } from "./languageModel/Failure.ts"
export type * from "./languageModel/ProviderOptions.ts"
export { Settings } from "./languageModel/Settings.ts"

/** The model with these settings, which replace the ones of `Claude.Defaults`. It needs `Claude`. */
export const make = Effect.fnUntraced(function* (settings: Settings = {}) {
  const claude = yield* Claude
  return yield* Ai.make({
    generateText: (options) =>
      WholeAnswer.make(options, settings).pipe(
        Effect.provideService(Claude, claude),
        Effect.catch((error) =>
          Effect.flatMap(Redactor, (redact) => Effect.fail(Failure.toAiError(error, "generateText", redact)))
        )
      ),
    streamText: (options) =>
      Stream.unwrap(
        Effect.map(Redactor, (redact) =>
          Stream.unwrap(StreamedAnswer.make(options, settings)).pipe(
            Stream.provideService(Claude, claude),
            Stream.mapError((error) => Failure.toAiError(error, "streamText", redact))
          )
        )
      ),
    codecTransformer: StructuredOutput.transformer,
    supportsSystemMessagesInHistory: Effect.succeed(true)
  })
})

/**
 * Provides the `LanguageModel` of effect/ai from `Claude`: `LanguageModel.layer().pipe(Layer.provide(claude))`. The model
 * is the one of `Claude.Defaults`, or `layer({ model: "claude-opus-5-5", max_tokens: 8192 })`.
 */
export const layer = (settings?: Settings): Layer.Layer<Ai.LanguageModel, never, Claude> =>
  Layer.effect(Ai.LanguageModel, make(settings))

/** The same as a `Model` of effect/ai, for an `ExecutionPlan` and for programs that read `Model.ModelName`. */
export const model = <const Name extends Request["model"]>(
  name: Name,
  settings?: Omit<Settings, "model">
): Model.Model<"anthropic", Ai.LanguageModel, Claude> =>
  Model.make("anthropic", name, layer({ ...settings, model: name }))
