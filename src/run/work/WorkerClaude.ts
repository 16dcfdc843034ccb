/**
 * Claude for the jobs of one worker. They share the API, the concurrency, the rate limits and the cache of the process.
 * Each job has its own budget, its own policies around these, and its share of the calls.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { AnthropicClient, Budget, Claude, Concurrency, MessageBatches, RateLimit } from "../../index.ts"
import type * as Journal from "../../pipeline/Journal.ts"
import type { WorkerFlags } from "../ClusterFlags.ts"
import * as EmulatorProbe from "../EmulatorProbe.ts"
import * as EmulatorProcess from "../EmulatorProcess.ts"
import * as OpenBatches from "../OpenBatches.ts"
import * as RunOptions from "../RunOptions.ts"
import * as Shares from "./Shares.ts"

/** Builds what the jobs share, until the scope closes. */
export const make = Effect.fnUntraced(function* (flags: WorkerFlags) {
  const api = yield* flags.emulator ? Layer.build(layerEmulator) : Layer.build(Claude.layerConfig())
  const emulated = flags.emulator || (yield* EmulatorProbe.probe)
  const { cache, rateLimit, ...policies } = yield* RunOptions.ofStack(flags, emulated)
  const store = cache && (yield* Layer.build(cache.store))
  const calls = Option.getOrElse(flags.concurrency, () => 64)
  const concurrency = yield* Concurrency.make(calls)
  const shares = yield* Shares.make(calls)
  const batches = yield* OpenBatches.make(flags, emulated)
  const limits = yield* "shared" in rateLimit ? RateLimit.make(rateLimit) : RateLimit.make(rateLimit)
  return {
    /** Whether an emulator answers, and not Claude. */
    emulated,
    /** The most calls in flight, over all jobs. */
    calls,
    /** The gate of one more job. */
    join: shares.join,
    /** The Claude of a job that was submitted with these settings. */
    ofJob: ({ budget, mode }: Journal.Settings) => {
      const around = {
        ...policies,
        ...(store !== undefined && { cache: { ...cache, store: Layer.succeedContext(store) } })
      }
      // The sender of the batches has the budget.
      return mode === "batches"
        ? Layer.succeedContext(api).pipe(Claude.stack({ ...around, batches }))
        : Layer.succeedContext(api).pipe(
            Claude.stack({ ...around, concurrency, rateLimit: limits, ...budgetOf(budget) })
          )
    },
    /** The Claude that sends the batches of all workers of a job. */
    sender: ({ budget: text }: Journal.Settings) => {
      const { budget } = budgetOf(text)
      const sending = Layer.succeedContext(api).pipe(MessageBatches.policy(batches.options))
      return budget === undefined ? sending : sending.pipe(Budget.policy(budget))
    }
  }
})

const budgetOf = (text = ""): { readonly budget?: Budget.Budget } => {
  const cap = Option.getOrUndefined(Schema.decodeOption(Budget.Amount)(text))
  return cap === undefined ? {} : { budget: Budget.from({ cap }) }
}

const layerEmulator = Layer.unwrap(
  Effect.map(EmulatorProcess.start, (baseURL) =>
    Claude.layer.pipe(Layer.provideMerge(AnthropicClient.layer({ apiKey: Redacted.make("emulator"), baseURL })))
  )
)
