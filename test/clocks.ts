/**
 * Clocks that are wrong, for tests.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** Runs an effect whose wall clock is set back after half a second. Its monotonic time continues. */
export const settingBack = <A, E, R>(by: Duration.Input, effect: Effect.Effect<A, E, R>) =>
  Effect.clockWith((clock) => {
    let offset = 0
    const now = () => clock.currentTimeMillisUnsafe() - offset
    const nanos = () => BigInt(now()) * 1_000_000n
    const wall: Clock.Clock = {
      ...clock,
      currentTimeMillisUnsafe: now,
      currentTimeMillis: Effect.sync(now),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos)
    }
    const setBack = Effect.delay(
      Effect.sync(() => (offset = Duration.toMillis(by))),
      "500 millis"
    )
    return Effect.andThen(Effect.forkChild(setBack), Effect.provideService(effect, Clock.Clock, wall))
  })
