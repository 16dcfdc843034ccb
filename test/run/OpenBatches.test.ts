import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Journal from "../../src/pipeline/Journal.ts"
import * as OpenBatches from "../../src/run/OpenBatches.ts"
import * as Sqlite from "../../src/run/Sqlite.ts"
import { begun, callOf, tickets } from "../pipeline/journal/runs.ts"

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
