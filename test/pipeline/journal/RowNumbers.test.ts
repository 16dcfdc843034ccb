import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { text } from "../../../src/claude/Reply.ts"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { sqlite } from "./databases.ts"
import { answerOf, begun, callOf } from "./runs.ts"

it.effect("finds rows that were seen long ago, and those that were not seen at all", () =>
  Effect.gen(function* () {
    const { counts, finish, outputs, pending } = yield* Journal.Journal
    yield* finish("row 19999", "last")
    yield* Stream.runDrain(pending("all"))
    yield* finish("row 0", "first")
    yield* finish("row 19998", "last but one")
    assert.deepStrictEqual(yield* Stream.runCollect(outputs), ["first", "last but one", "last"])
    assert.deepStrictEqual(yield* counts, { done: 3, failed: 0, pending: 19_997 })
  }).pipe(Effect.provide(Layer.provide(begun(keys), sqlite.layer)))
)

it.effect("finds the rows of many calls together, in the order of the calls", () =>
  Effect.gen(function* () {
    const { replies } = yield* Journal.Journal
    const rows = ["row 19999", "row 3", "row 19999", ...keys.slice(0, 1200)]
    yield* replies.save(rows.map((row, occurrence) => answerOf(callOf(row, { occurrence }))))
    const found = yield* Effect.forEach(rows.slice(0, 3), (row, occurrence) =>
      Effect.map(replies.find(callOf(row, { occurrence })), (reply) => reply && text(reply.message))
    )
    assert.deepStrictEqual(found, ["row 19999 is urgent", "row 3 is urgent", "row 19999 is urgent"])
  }).pipe(Effect.provide(Layer.provide(begun(keys), sqlite.layer)))
)

const keys = Array.from({ length: 20_000 }, (_, index) => `row ${index}`)
