/**
 * What other processes may change of a run of the command line while it is on: its concurrency and its budget.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Budget, Concurrency } from "../index.ts"
import type { Handles } from "../pipeline/Controls.ts"
import type { Outcome } from "../pipeline/Journal.ts"
import * as Score from "../pipeline/Score.ts"
import type { RunFlags } from "./RunFlags.ts"
import type { JudgeFlags } from "./ScoreFlags.ts"

/** The policies of a run that can be changed, and the handles for it. */
export interface RunControls {
  /** The options of `Claude.stack` that replace the flags. */
  readonly stack: { readonly concurrency: Concurrency.Concurrency; readonly budget?: Budget.Budget }
  readonly handles: Handles
}

/** The policies as the flags say. */
export const make = Effect.fnUntraced(function* (flags: RunFlags & JudgeFlags): Effect.fn.Return<RunControls> {
  const concurrency = yield* Concurrency.make(Option.getOrElse(flags.concurrency, () => 64))
  const budget = yield* Effect.transposeOption(
    Option.map(flags.budget, (cap) => Budget.make({ cap, ...ofJudge(flags) }))
  )
  return {
    stack: { concurrency, ...(Option.isSome(budget) && { budget: budget.value }) },
    handles: {
      resize: (calls) =>
        flags.mode === "batches"
          ? refused(
              "the run sends batches, whose size is fixed at its start: stop it, and run again with --concurrency"
            )
          : Effect.as(Concurrency.resize(concurrency, calls), applied(`up to ${calls} calls are in flight at once`)),
      raise: (text) =>
        Option.match(budget, {
          onNone: () => refused("the run has no budget: stop it, and run again with --budget"),
          onSome: (budget) => raise(budget, text)
        })
    }
  }
})

/** A cap for the step in which `Score.judge` makes its calls. */
const ofJudge = ({ judgeBudget = Option.none() }: JudgeFlags) =>
  Option.isSome(judgeBudget) ? { steps: { [Score.judgeStep]: judgeBudget.value } } : {}

/** A budget in use is only raised: money that is reserved for calls in flight cannot be taken back. */
const raise = Effect.fnUntraced(function* (budget: Budget.Budget, text: string) {
  const amount = yield* Effect.option(Schema.decodeEffect(Budget.Amount)(text))
  const cap = yield* budget.cap
  const now = `${BigDecimal.format(cap)} ${budget.unit}`
  if (Option.isNone(amount) || amount.value.unit !== budget.unit) {
    return yield* refused(`the budget of the run is ${now}: name an amount in ${budget.unit}`)
  }
  if (!BigDecimal.isGreaterThan(amount.value.value, cap)) {
    return yield* refused(`the budget of the run is ${now}, and a budget can only be raised while a run is on`)
  }
  yield* Budget.raise(budget, amount.value)
  return applied(`the budget of the job is ${text}`)
})

const applied = (detail: string): Outcome => ({ isApplied: true, detail })
const refused = (detail: string): Effect.Effect<Outcome> => Effect.succeed({ isApplied: false, detail })
