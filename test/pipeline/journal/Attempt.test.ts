import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { ConnectionError, SqlError, UnknownError } from "effect/sql/SqlError"
import { MigrationError } from "effect/sql/Migrator"
import { TestClock } from "effect/testing"
import * as Attempt from "../../../src/pipeline/journal/Attempt.ts"

describe("an error of the journal", () => {
  const messageOf = (reason: SqlError["reason"]) =>
    Effect.map(Effect.flip(Attempt.on("state.sqlite")(Effect.fail(new SqlError({ reason })))), ({ detail }) => detail)

  it.effect("names the state once", () =>
    Effect.gen(function* () {
      assert.match(
        yield* messageOf(new UnknownError({ cause: new Error("disk full") })),
        /^state\.sqlite: .*disk full$/
      )
      const named = yield* messageOf(new UnknownError({ cause: new Error("state.sqlite: disk full") }))
      assert.lengthOf(named.split("state.sqlite"), 2)
    })
  )

  it.effect(
    "says what to do where the connection is lost, where the server has closed it, and where its disk is full",
    () =>
      Effect.gen(function* () {
        const advice = "; check that the server runs, and run again: what is stored is kept"
        const closed = Object.assign(new Error("terminating connection"), { code: "57P01" })
        const full = Object.assign(new Error("could not extend file"), { code: "53100" })
        const syntax = Object.assign(new Error("syntax error"), { code: "42601" })
        assert.include(yield* messageOf(new ConnectionError({ cause: new Error("reset") })), advice)
        assert.include(yield* messageOf(new UnknownError({ cause: closed })), advice)
        assert.include(
          yield* messageOf(new UnknownError({ cause: full })),
          "could not extend file; make room on the disk of the database: what is stored is kept"
        )
        assert.notInclude(yield* messageOf(new UnknownError({ cause: syntax })), advice)
      })
  )
})

describe("a transaction whose connection is lost, so that its rollback fails too", () => {
  it.effect("fails", () =>
    Effect.gen(function* () {
      const lost = new SqlError({ reason: new ConnectionError({ cause: new Error("Connection closed") }) })
      const causes = [lost, new MigrationError({ kind: "Failed", message: "Migration failed", cause: lost })]
      for (const cause of causes) {
        const { message } = yield* Effect.flip(Attempt.on("the state")(Effect.die(cause)))
        assert.include(message, "Connection closed; check that the server runs")
      }
    })
  )
})

describe("statements that take too long", () => {
  it.effect("fail, also where they must not be interrupted", () =>
    Effect.gen(function* () {
      let isReleased = false
      const hangs = Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (isReleased = true)))
      const late = yield* Effect.forkChild(Effect.flip(Effect.uninterruptible(Attempt.inTime(hangs))))
      yield* TestClock.adjust("20 seconds")
      const { reason } = yield* Fiber.join(late)
      assert.instanceOf(reason, ConnectionError)
      assert.isTrue(isReleased)
    })
  )
})
