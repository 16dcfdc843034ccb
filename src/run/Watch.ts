/**
 * Shows something that changes until it ends: on a terminal in one place every second, elsewhere as lines every 5 seconds.
 * The last value goes to stdout.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Screen from "./Screen.ts"

/** How to show a value. */
export interface View<in A> {
  readonly hasEnded: (value: A) => boolean
  readonly text: (value: A) => string
  /** The most important lines, where earlier ones stay. */
  readonly lines: (value: A) => string
  /** Programs read lines, also on a terminal. */
  readonly isForPrograms: boolean
}

/** Reads a value again and again, until it has ended. */
export const watch = <A, E, R>(read: Effect.Effect<A, E, R>, view: View<A>): Effect.Effect<void, E, R> =>
  Effect.gen(function* () {
    const { stderr } = yield* Screen.Outputs
    const screen = stderr.isTTY === true && !view.isForPrograms ? yield* Screen.open : undefined
    let value = yield* read
    while (!view.hasEnded(value)) {
      if (screen === undefined) yield* Console.log(view.lines(value))
      else
        screen.draw(
          view
            .text(value)
            .split("\n")
            .slice(0, screen.rows() - 1)
        )
      yield* Effect.sleep(screen === undefined ? "5 seconds" : "1 second")
      value = yield* read
    }
    screen?.clear()
    yield* Console.log(view.text(value))
  }).pipe(Effect.scoped)
