/**
 * Shows the progress of a job on stderr: on a terminal as a picture that is drawn again and again, elsewhere as a plain
 * line every few seconds.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { createLogUpdate } from "log-update"
import * as Event from "../claude/Event.ts"
import * as Progress from "../pipeline/Progress.ts"

/** Runs an effect with its progress on show; gives what it gave, and the counts. */
export const show = <A, E, R>(
  name: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<readonly [A, Progress.Progress], E, R> =>
  Effect.gen(function* () {
    let progress = Progress.empty
    const start = yield* Clock.currentTimeMillis
    const line = Effect.map(Clock.currentTimeMillis, (now) => Progress.line(progress, Duration.millis(now - start)))
    const listener: Event.Listener = (event) =>
      Effect.sync(() => {
        progress = Progress.update(progress, event)
      })

    const screen = process.stderr.isTTY ? live : plain
    const draw = Effect.map(line, (line) => screen.draw(name, progress, line))
    yield* Effect.addFinalizer(() => Effect.andThen(draw, Effect.sync(screen.done)))
    yield* Effect.forkScoped(Effect.delay(Effect.repeat(draw, Schedule.spaced(screen.every)), screen.every))
    const result = yield* Event.listen(listener)(effect)
    return [result, progress] as const
  }).pipe(Effect.scoped)

interface Screen {
  readonly every: Duration.Input
  readonly draw: (name: string, progress: Progress.Progress, line: string) => void
  readonly done: () => void
}

const update = createLogUpdate(process.stderr)

const live: Screen = {
  every: "100 millis",
  draw: (name, progress, line) => update(`${name} ${Progress.bar(progress, 40)}\n${line}`),
  done: update.done
}

const plain: Screen = {
  every: "5 seconds",
  draw: (name, _, line) => process.stderr.write(`${name}: ${line}\n`),
  done: () => undefined
}
