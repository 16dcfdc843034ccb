/**
 * Applies to a run what other processes ask of it through the journal: `pause` and `resume` change the rows that it takes,
 * and the rest changes policies, which the program provides as `Handles`. Without them, a run takes no controls. A change
 * that was asked for before a run of one process began is dropped, since the options of the run are newer.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Control, Controls, Outcome } from "./Journal.ts"

/** What a program lets other processes change. */
export interface Handles {
  /** Changes the number of calls in flight at once. */
  readonly resize: (calls: number) => Effect.Effect<Outcome>
  /** Changes the budget to an amount such as `10 USD`. */
  readonly raise: (amount: string) => Effect.Effect<Outcome>
}

/** The handles of a program; by default there are none. */
export const Handles: Context.Reference<Handles | undefined> = Context.Reference("effect-claude/Controls/Handles", {
  defaultValue: (): Handles | undefined => undefined
})

/** The run that is controlled. */
export interface Run {
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
  /** Reports to the listener of the run how it continues. */
  readonly report: Effect.Effect<void>
  /** Fits the number of rows at once to the capacity of Claude. */
  readonly fit: Effect.Effect<void>
  /** Whether other processes run the job too, so that a change may have been asked of them. */
  readonly isShared: boolean
}

/** How often the run looks for controls. */
const interval = "1 second"

/** Applies the controls that wait, now and until the scope closes. A journal that fails stops the run at its next write. */
export const follow = Effect.fnUntraced(function* (controls: Controls, run: Run) {
  const handles = yield* Handles
  if (handles === undefined) return
  const apply = (control: Control): Effect.Effect<Outcome> => {
    switch (control._tag) {
      case "pause":
        return Effect.as(run.pause, {
          isApplied: true,
          detail: "paused: no more rows start, and those that run continue"
        })
      case "resume":
        return Effect.as(run.resume, { isApplied: true, detail: "resumed" })
      case "concurrency":
        return Effect.tap(handles.resize(control.calls), run.fit)
      case "budget":
        return handles.raise(control.amount)
    }
  }
  const look = (apply: (control: Control) => Effect.Effect<Outcome>) =>
    Effect.ignore(
      Effect.flatMap(controls.waiting, (waiting) =>
        Effect.forEach(
          waiting,
          (one) =>
            Effect.flatMap(Effect.tap(apply(one.control), run.report), (outcome) => controls.settle(one, outcome)),
          { discard: true }
        )
      )
    )
  if (controls.pausedAt !== null) yield* Effect.andThen(run.pause, run.report)
  yield* look((control) => (isChange(control) && !run.isShared ? drop(control) : apply(control)))
  yield* Effect.forkScoped(Effect.forever(Effect.delay(look(apply), interval)))
})

/** Whether a control changes how the run that is on works, and concerns no later run. */
export const isChange = ({ _tag }: Control): boolean => _tag === "concurrency" || _tag === "budget"

const drop = (control: Control): Effect.Effect<Outcome> => {
  const change = control._tag === "budget" ? `the budget ${control.amount}` : "a concurrency"
  const detail = `${change} was set before this run began, and is dropped: the options of the run count`
  return Effect.as(Effect.logWarning(detail), { isApplied: false, detail })
}
