/**
 * Measures time, and ends calls that take too long: a time-out without a fiber, because forking and interrupting one costs
 * time in every call.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"

const systemClock = Context.get(Context.empty(), Clock.Clock)

/**
 * The monotonic time in milliseconds, to measure how much has passed. It is not a date: `currentTimeMillis` and
 * `currentTimeNanos` are, and they go back when the clock of the machine is set back.
 */
export const now = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/** The largest delay of a timer of the platform, in milliseconds. */
const longest = 2 ** 31 - 1

/**
 * Runs `late` after a time on the clock of the fiber, unless the returned function was called before. On the clock of
 * the system, this is a timer of the platform; on another clock, such as that of a test, a fiber sleeps.
 */
export const after = (limit: Duration.Input, fiber: Fiber.Fiber<unknown, unknown>, late: () => void): (() => void) => {
  const milliseconds = Duration.toMillis(limit)
  if (milliseconds === Infinity) return () => {}
  if (fiber.getRef(Clock.Clock) === systemClock && milliseconds <= longest) {
    const timer = setTimeout(late, milliseconds)
    return () => clearTimeout(timer)
  }
  const timer = Effect.runForkWith(fiber.context)(Effect.sleep(limit))
  timer.addObserver((exit) => {
    if (Exit.isSuccess(exit)) late()
  })
  return () => timer.interruptUnsafe()
}
