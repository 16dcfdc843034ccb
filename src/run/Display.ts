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
    // The wall clock may be set back, and then the display would stand still for that time.
    const start = yield* Clock.monotonicTimeNanos
    const listener: Event.Listener = (event) =>
      Effect.sync(() => {
        progress = Progress.update(progress, event)
      })

    const { stderr } = yield* Screen.Outputs
    const { clear, every, show } = yield* stderr.isTTY ? live(name) : plain(name, stderr)
    const draw = Effect.gen(function* () {
      progress = Progress.tick(progress, Duration.nanos((yield* Clock.monotonicTimeNanos) - start))
      if (progress.total !== undefined) show(progress, yield* Clock.currentTimeMillis)
    })
    const end = Effect.suspend(() => {
      // Nothing waits any more, also where no event has said so.
      progress = { ...progress, binding: Progress.empty.binding }
      return draw
    })
    const isUntouched = () => progress.succeeded + progress.failed === 0
    yield* Effect.addFinalizer((exit) => (Exit.isFailure(exit) && isUntouched() ? Effect.sync(clear) : end))
    yield* Effect.forkScoped(Effect.delay(Effect.repeat(draw, Schedule.spaced(every)), every))
    const result = yield* Event.listen(listener)(effect)
    return [result, progress] as const
  }).pipe(Effect.scoped)

interface View {
  readonly every: Duration.Input
  readonly clear: () => void
  /** `now` is in milliseconds since 1970. */
  readonly show: (progress: Progress.Progress, now: number) => void
}

const live = (name: string) =>
  Effect.map(Screen.open, ({ clear, columns, draw }): View => ({
    clear,
    every: "100 millis",
    show: (progress, now) => {
      const bar = Math.min(40, Math.floor(columns() / 2))
      const label = Screen.fit(name, columns() - bar - 2)
      const batches = Progress.batchLines(progress, now)
      const more = batches.length > maxBatches && [`… and ${batches.length - maxBatches} more`]
      draw([
        `${label} ${Progress.bar(progress, bar)}`,
        Progress.line(progress, columns() - 1),
        ...batches.slice(0, maxBatches),
        ...(more || [])
      ])
    }
  }))

/** The lines of batches in a picture. */
const maxBatches = 5

/** Batches take hours: while nothing else happens, they are shown once a minute. */
const plain = (name: string, stderr: Screen.Output) =>
  Effect.sync((): View => {
    let last = { rows: -1, ended: -1, at: -Infinity }
    return {
      clear: () => undefined,
      every: "5 seconds",
      show: (progress, now) => {
        const batches = Progress.batchLines(progress, now)
        const rows = progress.succeeded + progress.failed
        const ended = progress.batchesEnded
        const { at } = progress.pace
        const isWaiting = batches.length > 0 && last.rows === rows && last.ended === ended
        if (isWaiting && at - last.at < 60) return
        last = { rows, ended, at }
        for (const line of [Progress.line(progress), ...batches]) stderr.write(`${name}: ${line}\n`)
      }
    }
  })
