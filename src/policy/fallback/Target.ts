/**
 * A fallback: the model to ask next, the client that has it, and the fields of the request that differ for it. Pure.
 */
import type * as Layer from "effect/Layer"
import type { Claude } from "../../claude/Claude.ts"
import * as Models from "../../claude/Models.ts"
import type { Request } from "../../claude/Request.ts"
import * as Thinking from "../../claude/Thinking.ts"

/**
 * A fallback, in the form of an entry of the API's own `fallbacks`. Its fields replace the fields of the request, and
 * those of `output_config` are merged. Name here what the model does not support: it may refuse a `thinking` type, an
 * effort, or a forced tool.
 */
export interface Target<E = never, R = never> extends Partial<
  Pick<Request, "max_tokens" | "output_config" | "speed" | "thinking" | "tool_choice">
> {
  readonly model: Request["model"]
  /**
   * Another client, such as Bedrock's, with its own policies: the policies below `Fallback` do not apply to it, the ones
   * above do. By default, the model is asked through the client and the policies below.
   */
  readonly claude?: Layer.Layer<Claude, E, R>
}

/**
 * The request for a fallback; the same object where nothing differs. `max_tokens` is lowered to the limit of the model,
 * and `speed: "fast"` is left out if the model has no fast mode, where `Models` lists the model. For another model or
 * client, thinking is removed from the history: a model refuses or ignores the thinking of others.
 */
export const requestFor = <E, R>(request: Request, { claude, ...fields }: Target<E, R>): Request => {
  const isSameModel = claude === undefined && Models.isSame(request.model, fields.model)
  if (isSameModel && Object.keys(fields).length === 1) return request
  const { output_config: config } = fields
  const asked = {
    ...(isSameModel ? request : Thinking.removed(request)),
    ...fields,
    ...(config && { output_config: { ...request.output_config, ...config } })
  }
  const model = Models.find(asked.model)
  if (model === undefined) return asked
  const { speed, ...rest } = asked
  const hasFast = model.prices.some(({ fast }) => fast !== undefined)
  return {
    ...rest,
    max_tokens: Math.min(asked.max_tokens, model.maxOutputTokens),
    ...(speed !== undefined && (speed !== "fast" || hasFast) && { speed })
  }
}
