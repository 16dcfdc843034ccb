/**
 * Shows the progress of a job on stderr: on a terminal as a live picture, elsewhere as a plain line every few seconds.
 * A run that cannot begin shows nothing.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import { styleText } from "node:util"
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
    const { clear, every, show } = yield* stderr.isTTY ? live(name, stderr) : plain(name, stderr)
    const draw = Effect.gen(function* () {
      progress = Progress.tick(progress, Duration.nanos((yield* Clock.monotonicTimeNanos) - start))
      if (progress.total !== undefined) show(progress, yield* Clock.currentTimeMillis)
    })
    const end = Effect.suspend(() => {
      progress = Progress.ended(progress)
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

const live = (name: string, stderr: Screen.Output) =>
  Effect.map(Screen.open, ({ clear, columns, draw, rows }): View => ({
    clear,
    every: "100 millis",
    show: (progress, now) =>
      draw(picture(name, progress, now, { columns: columns(), rows: rows(), paint: paint(stderr) }))
  }))

/** The lines of failures and of batches in a picture. */
const maxFailures = 3
const maxBatches = 5

/** The place for a picture. */
interface Place {
  readonly columns: number
  readonly rows: number
  readonly paint: (color: "red" | "yellow", text: string) => string
}

/**
 * The lines of a picture, the most important ones first: the bar, the rows, the money with what binds, the latest failures,
 * and the batches. A picture leaves a line of the terminal free, and a low terminal has a small one.
 */
const picture = (name: string, progress: Progress.Progress, now: number, { columns, paint, rows }: Place) => {
  const width = columns - 1
  if (rows < 4) return [Progress.line(progress, width)]
  const bar = Math.min(40, Math.floor(columns / 2))
  const top = [
    `${Screen.fit(name, columns - bar - 2)} ${Progress.bar(progress, bar)}`,
    Progress.rowsLine(progress, width).replace(/\d+ failed/, (text) => paint("red", text))
  ]
  const binds = Progress.binds(progress)
  const money = Progress.costLines(progress, width, Math.min(2, rows - 1 - top.length)).map((line) =>
    binds === undefined ? line : line.replace(binds, (text) => paint("yellow", text))
  )
  const failures = progress.failures
    .slice(0, maxFailures)
    .map((failure) => paint("red", Screen.fit(`✗ ${failure}`, width)))
  const batches = Progress.batchLines(progress, now)
  const more = batches.length > maxBatches ? [`… and ${batches.length - maxBatches} more`] : []
  return [...top, ...money, ...failures, ...batches.slice(0, maxBatches), ...more].slice(0, rows - 1)
}

const paint =
  (output: Screen.Output): Place["paint"] =>
  (color, text) =>
    output.hasColors?.() === true ? styleText(color, text, { validateStream: false }) : text

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
