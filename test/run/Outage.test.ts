import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Outage from "../../src/run/Outage.ts"

describe("a command whose database fails", () => {
  it.effect("prints each kind of message once, and when the database works again", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const outage = Outage.make((line) => Effect.sync(() => void lines.push(line)))
      yield* outage.ends
      yield* outage.fails(`could not extend file "base/1/2": No space left on device`)
      yield* outage.fails("connection refused")
      yield* TestClock.adjust("3 seconds")
      yield* outage.fails(`could not extend file "base/3/4": No space left on device`)
      yield* outage.ends
      yield* outage.ends
      yield* outage.fails("connection refused")
      assert.deepStrictEqual(lines, [
        `could not extend file "base/1/2": No space left on device`,
        "connection refused",
        "works again, after 3 s",
        "connection refused"
      ])
    })
  )

  it.effect("says nothing of the database where it only waited for something", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const outage = Outage.make((line) => Effect.sync(() => void lines.push(line)))
      yield* outage.waits("the job is not submitted")
      yield* outage.ends
      assert.deepStrictEqual(lines, ["the job is not submitted"])
    })
  )
})
