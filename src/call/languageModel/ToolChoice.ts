/**
 * Turns the `toolChoice` of effect/ai into the API's. The newest models refuse a forced call, and the API's answer does
 * not say what to do, so it is refused here, before a call. Pure.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as AiError from "effect/ai/AiError"
import type * as LanguageModel from "effect/ai/LanguageModel"
import * as Models from "../../claude/Models.ts"

type Choice = LanguageModel.ProviderOptions["toolChoice"]

/** The API's choice; undefined for its default. effect/ai has already left out the tools that `oneOf` does not name. */
export const make = (
  choice: Choice,
  model: string,
  nameOf: (tool: string) => string
): Result.Result<Anthropic.ToolChoice | undefined, AiError.AiErrorReason> => {
  if (choice === "none") return Result.succeed({ type: "none" })
  const isForced =
    choice === "required" || (Predicate.isObject(choice) && ("tool" in choice || choice.mode === "required"))
  if (!isForced) return Result.succeed(undefined)
  if (!Models.acceptsForcedTools(model)) {
    return Result.fail(
      new AiError.InvalidRequestError({
        parameter: "toolChoice",
        constraint: "must not force a call",
        description:
          `${model} refuses forced tool calls; use toolChoice "auto" and ask for the tool in the prompt, use ` +
          'generateObject for structured output, or choose another model, such as "claude-haiku-5-5"'
      })
    )
  }
  return Result.succeed(
    Predicate.isObject(choice) && "tool" in choice ? { type: "tool", name: nameOf(choice.tool) } : { type: "any" }
  )
}
