/**
 * Changes the limits of a submitted job for all its workers: its concurrency and its budget. One worker stores the change,
 * and every worker follows what is stored.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Budget } from "../../index.ts"
import type { Handles } from "../../pipeline/Controls.ts"
import type { Chunks, JobLimits, Outcome } from "../../pipeline/Journal.ts"

/** The handles of a worker. */
export const make = ({
  limits,
  setLimits,
  settings
}: Pick<Chunks["Service"], "limits" | "setLimits" | "settings">): Handles => {
  const store = (to: JobLimits, detail: string) =>
    Effect.match(setLimits(to), {
      onSuccess: (): Outcome => ({ isApplied: true, detail }),
      onFailure: ({ message }): Outcome => ({ isApplied: false, detail: message })
    })
  return {
    resize: (calls) =>
      settings.mode === "batches"
        ? refused(
            "in batches, calls have no limit: set how many rows wait in a worker by --concurrency, where it starts"
          )
        : store({ concurrency: calls }, `up to ${calls} calls are in flight at once, over all workers`),
    raise: (text) =>
      Effect.matchEffect(limits, {
        onFailure: ({ message }) => refused(message),
        onSuccess: ({ budget }) => {
          const amount = decode(text)
          const now = Option.flatMap(Option.fromUndefinedOr(budget), decode)
          if (Option.isNone(now))
            return refused("the job was submitted without a budget: submit it again with --budget")
          if (Option.isNone(amount) || amount.value.unit !== now.value.unit) {
            return refused(`the budget of the job is ${budget}: name an amount in ${now.value.unit}`)
          }
          return store({ budget: text }, `the budget of the job is ${text}, for all workers together`)
        }
      })
  }
}

const decode = Schema.decodeOption(Budget.Amount)

const refused = (detail: string) => Effect.succeed<Outcome>({ isApplied: false, detail })
