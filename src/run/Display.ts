/**
 * Shows the progress of a job on stderr: on a terminal as a live picture, elsewhere as a plain line every few seconds.
 * A run that cannot begin shows nothing.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Event from "../claude/Event.ts"
import * as Progress from "../pipeline/Progress.ts"
import * as Screen from "./Screen.ts"

/** Runs an effect and shows its progress; succeeds with the result of the effect and the counts. */
export const show = <A, E, R>(
  name: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<readonly [A, Progress.Progress], E, R> =>
  Effect.gen(function* () {
    let progress = Progress.empty
    const start = yield* Clock.currentTimeMillis
    const elapsed = Effect.map(Clock.currentTimeMillis, (now) => Duration.millis(now - start))
    const listener: Event.Listener = (event) =>
      Effect.sync(() => {
        progress = Progress.update(progress, event)
      })

    const { stderr } = yield* Screen.Outputs
    const { clear, every, show } = yield* stderr.isTTY ? live(name) : plain(name, stderr)
    const draw = Effect.map(elapsed, (elapsed) => {
      progress = Progress.tick(progress, elapsed)
      if (progress.total !== undefined) show(progress)
    })
    const isUntouched = () => progress.succeeded + progress.failed === 0
    yield* Effect.addFinalizer((exit) => (Exit.isFailure(exit) && isUntouched() ? Effect.sync(clear) : draw))
    yield* Effect.forkScoped(Effect.delay(Effect.repeat(draw, Schedule.spaced(every)), every))
    const result = yield* Event.listen(listener)(effect)
    return [result, progress] as const
  }).pipe(Effect.scoped)

interface View {
  readonly every: Duration.Input
  readonly clear: () => void
  readonly show: (progress: Progress.Progress) => void
}

const live = (name: string) =>
  Effect.map(Screen.open, ({ clear, columns, draw }): View => ({
    clear,
    every: "100 millis",
    show: (progress) => {
      const bar = Math.min(40, Math.floor(columns() / 2))
      const label = Screen.fit(name, columns() - bar - 2)
      draw([`${label} ${Progress.bar(progress, bar)}`, Progress.line(progress, columns() - 1)])
    }
  }))

const plain = (name: string, stderr: Screen.Output) =>
  Effect.succeed<View>({
    clear: () => undefined,
    every: "5 seconds",
    show: (progress) => void stderr.write(`${name}: ${Progress.line(progress)}\n`)
  })
