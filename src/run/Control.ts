/**
 * Asks the run of a job, which may be that of another process, to pause, to resume, or to change, and waits until it has.
 * Where no run is on, the next one begins paused or resumed. A change needs a run: later runs have flags for it.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Controls from "../pipeline/Controls.ts"
import type { Control } from "../pipeline/Journal.ts"
import * as CommandLine from "./CommandLine.ts"
import { ExitWith } from "./ExitWith.ts"
import * as OpenState from "./OpenState.ts"
import type { RunFlags } from "./RunFlags.ts"
import type { StateFlags } from "./StateFlags.ts"

/** How long a command waits for the run. It looks for controls every second. */
const patience = Duration.seconds(15)

/** Sends controls one after the other, and prints what came of each. */
export const send = Effect.fnUntraced(
  function* (flags: StateFlags, controls: ReadonlyArray<Control>) {
    const job = yield* OpenState.one(flags, "write")
    const name = `"${job.job}"`
    for (const control of controls) {
      const isChange = Controls.isChange(control)
      if (isChange && (yield* job.openIn) === undefined) return yield* noRun(name, control)
      const number = yield* Effect.mapError(job.send(control), ({ detail, message }) =>
        detail.includes("locked") ? new ExitWith(3, `${name}: ${isReading}`) : new ExitWith(2, message)
      )
      const outcome = yield* wait(job, number)
      if (outcome === "no run" && isChange) {
        // The run has ended meanwhile.
        yield* job.withdraw(number)
        return yield* noRun(name, control)
      }
      if (outcome === "no run") {
        yield* Console.log(
          `${name}: no run is on, and the next one begins ${control._tag === "pause" ? "paused" : "unpaused"}`
        )
      } else if (outcome.isApplied) yield* Console.log(`${name}: ${outcome.detail}`)
      else return yield* Effect.fail(new ExitWith(2, `${name}: ${outcome.detail}`))
    }
  },
  Effect.scoped,
  (effect) => OpenState.toExit(effect)
)

const noRun = (name: string, control: Control) => {
  const flag =
    control._tag === "budget"
      ? `--budget ${CommandLine.quoted(control.amount)}`
      : `--concurrency ${control._tag === "concurrency" ? control.calls : "N"}`
  return Effect.fail(
    new ExitWith(2, `${name}: no run is on that could be changed; give ${flag} to the command that runs the job next`)
  )
}

/** Changes what the flags name. */
export const set = ({ budget, concurrency, ...flags }: StateFlags & Pick<RunFlags, "budget" | "concurrency">) => {
  const controls: ReadonlyArray<Control> = [
    ...Option.toArray(Option.map(concurrency, (calls): Control => ({ _tag: "concurrency", calls }))),
    ...Option.toArray(
      Option.map(budget, ({ unit, value }): Control => ({
        _tag: "budget",
        amount: `${BigDecimal.format(value)} ${unit}`
      }))
    )
  ]
  return controls.length === 0
    ? Effect.fail(new ExitWith(2, "name what to set: --concurrency N, --budget AMOUNT, or both"))
    : send(flags, controls)
}

const isReading = "its run has just begun and reads its input, and takes no controls yet: try again"

const wait = Effect.fnUntraced(function* (job: OpenState.JobInState, number: number) {
  const start = yield* Clock.monotonicTimeNanos
  while (true) {
    // In this order, since a run may apply the control and end between the two looks.
    const isOn = (yield* job.openIn) !== undefined
    const outcome = yield* job.outcomeOf(number)
    if (outcome !== undefined) return outcome
    if (!isOn) return "no run"
    if (Duration.isGreaterThan(Duration.nanos((yield* Clock.monotonicTimeNanos) - start), patience)) {
      return yield* Effect.fail(
        new ExitWith(3, `"${job.job}": its run has not answered within ${Duration.format(patience)}, and may yet do it`)
      )
    }
    yield* Effect.sleep("100 millis")
  }
})
