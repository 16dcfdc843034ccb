import { assert, describe, it } from "@effect/vitest"
import { ClaudeError, MessageBatches } from "effect-claude"
import { Console, Effect, Fiber } from "effect"
import * as TestClock from "effect/testing/TestClock"
import * as Journal from "../../src/pipeline/Journal.ts"
import * as OpenBatches from "../../src/run/OpenBatches.ts"
import * as Sqlite from "../../src/run/Sqlite.ts"
import { begun, callOf, tickets } from "../pipeline/journal/runs.ts"

describe("OpenBatches.cancel", () => {
  it.effect("asks again after a passing failure, and cancels the other batches if one cannot be cancelled", () =>
    Effect.gen(function* () {
      const batches = yield* MessageBatches.make()
      const asked: Array<string> = []
      const failing = (reason: ClaudeError.Reason) => Effect.fail(new ClaudeError.ClaudeError({ reason }))
      const add = (id: string, first: Effect.Effect<void, ClaudeError.ClaudeError>) => {
        const cancel = Effect.suspend(() => {
          asked.push(id)
          if (asked.filter((other) => other === id).length === 1) return first
          batches.batches.delete(id)
          return Effect.void
        })
        batches.batches.set(id, { id, requests: 1, since: 0, cancel })
      }
      add("foreign", failing(new ClaudeError.NotFound({ detail: "no such batch" })))
      add("busy", failing(new ClaudeError.Overloaded({ detail: "try later" })))
      add(
        "late",
        Effect.sync(() => void batches.batches.delete("late"))
      )
      const printed: Array<string> = []
      const cancelling = yield* OpenBatches.cancel(batches).pipe(
        Effect.provideService(Console.Console, {
          ...globalThis.console,
          error: (line) => void printed.push(String(line))
        }),
        Effect.forkChild
      )
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(cancelling)
      assert.deepStrictEqual(asked.toSorted(), ["busy", "busy", "foreign", "late"])
      assert.match(printed.join("\n"), /^cancelling 3 batches, .*\nbatch foreign cannot be cancelled: .*no such batch/)
      assert.lengthOf(printed, 2)
    })
  )
})

describe("OpenBatches.forget", () => {
  it.effect("lets the next run send the calls of an emulator's batch again", () =>
    Effect.gen(function* () {
      yield* Effect.gen(function* () {
        const { replies } = yield* Journal.Journal
        const items = [{ customId: "a-0", call: callOf("row"), requestHash: "hash" }]
        yield* replies.intend({ id: "a", createdAt: 1, batchId: undefined, items })
      }).pipe(Effect.provide(begun(["row"])))
      yield* Effect.gen(function* () {
        const { replies } = yield* Journal.Journal
        assert.lengthOf(yield* replies.unfinished, 1)
        yield* OpenBatches.forget
        assert.lengthOf(yield* replies.unfinished, 0)
      }).pipe(Effect.provide(Journal.layer(tickets)))
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )
})
