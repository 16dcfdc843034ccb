// What will a request cost at most, and is its model still served?
import { NodeRuntime } from "@effect/platform-node"
import { Console, DateTime, Effect, Layer } from "effect"
import { Claude, Cost, Models, type Request, TokenEstimate } from "effect-claude"

const request: Request.Request = {
  model: "claude-opus-4-5",
  max_tokens: 500,
  messages: [{ role: "user", content: "The night train to Vienna is late. Say that in one sentence." }]
}

const program = Effect.gen(function* () {
  // No request to the API: the estimate is what to expect, the bound is never too low, or unknown.
  const inputTokens = TokenEstimate.bound(request) ?? Infinity
  yield* Console.log(`about ${TokenEstimate.of(request)} tokens of input, at most ${inputTokens}`)
  const at = yield* DateTime.nowAsDate
  const bound = Cost.bound({ request, inputTokens, serviceTier: "standard", at })

  const { message } = yield* Claude.create(request)
  yield* Console.log(`at most ${Cost.format(bound)}; it was ${Cost.format(Cost.bill(message, at).cost)}`)

  // The limits and the lifecycle of each model are those that the API lists now.
  const model = yield* Models.lookup(request.model)
  yield* Console.log(
    `${model?.maxInputTokens} tokens of context, ${model?.lifecycle} until ${model?.retires ?? "further notice"}`
  )
})

const live = Models.refresh.pipe(Layer.provideMerge(Claude.layerConfig()))

program.pipe(Effect.provide(live), NodeRuntime.runMain)
