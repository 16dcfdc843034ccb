/**
 * Virtual time for programs that also wait for the event loop: a database, a digest, a socket.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { SqlClient } from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"

/**
 * A second of the test's clock, a turn of the event loop, and a statement, where there is a database: the clock must not
 * run away from the statements of the program.
 */
export const turn = Effect.gen(function* () {
  yield* TestClock.adjust("1 second")
  yield* Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
  const sql = yield* Effect.serviceOption(SqlClient)
  if (Option.isSome(sql)) yield* Effect.orDie(sql.value`SELECT 1`)
})

/** As many seconds, each with a turn. */
export const pass = (seconds: number) => Effect.repeat(turn, { times: seconds - 1 })

/** Waits for something that takes at most ten minutes of the test's clock. */
export const until = <E, R>(condition: Effect.Effect<boolean, E, R>) =>
  Effect.gen(function* () {
    for (let seconds = 0; seconds < 600; seconds++) {
      if (yield* condition) return
      yield* turn
    }
    assert.fail("it did not happen")
  })
