/**
 * The settings of a request that effect/ai has no option for. The ones of a layer apply to all its calls; the ones of a
 * fiber replace them, and the options of a message replace both.
 */
import * as Context from "effect/Context"
import type * as Prompt from "effect/ai/Prompt"
import type { Request } from "../../claude/Request.ts"
import * as ProviderOptions from "./ProviderOptions.ts"

/** The fields of a request, in the API's words, besides the prompt. `tools` are added to the tools of a toolkit. */
export type Settings = Partial<Omit<Request, "messages" | "system">>

/**
 * The settings of the running fiber, over the ones of the layer:
 * `Effect.provideService(LanguageModel.Settings, { output_config: { effort: "low" } })`. Empty by default.
 */
export const Settings: Context.Reference<Settings> = Context.Reference("effect-claude/LanguageModel/Settings", {
  defaultValue: (): Settings => ({})
})

/** The settings of a call. Each option of a message holds until a later message sets it again; all betas count. */
export const of = (layer: Settings, fiber: Settings, { content }: Prompt.Prompt): Settings => {
  const settings = { ...layer, ...fiber }
  const betas = new Set(settings.betas)
  const options: { -readonly [K in keyof ProviderOptions.RequestOptions]: ProviderOptions.RequestOptions[K] } = {}
  for (const message of content) {
    if (message.role !== "system" && message.role !== "user") continue
    const own = ProviderOptions.of<ProviderOptions.RequestOptions>(message.options)
    Object.assign(options, own)
    for (const beta of own.betas ?? []) betas.add(beta)
  }
  const { effort, serverTools, thinking } = options
  return {
    ...settings,
    ...(effort && { output_config: { ...settings.output_config, effort } }),
    // Both are the SDK's types, as plain JSON.
    ...(thinking && { thinking: thinking as NonNullable<Request["thinking"]> }),
    ...(serverTools && { tools: [...(settings.tools ?? []), ...(serverTools as NonNullable<Request["tools"]>)] }),
    ...(betas.size > 0 && { betas: [...betas] })
  }
}
