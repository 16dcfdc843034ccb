import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { postgres, sqlite } from "./databases.ts"
import { begun } from "./runs.ts"

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`the finished rows of a journal in ${name}${missing}`, () => {
    it.effect("are appended in one write for each commit, after it", () =>
      Effect.gen(function* () {
        const { appendTo, fail, finish, outputs, pending } = yield* Journal.Journal
        yield* Stream.runDrain(pending("all"))
        const appended: Array<ReadonlyArray<string>> = []
        yield* appendTo((lines) =>
          Effect.flatMap(Effect.orDie(Stream.runCollect(outputs)), (stored) => {
            assert.includeMembers(stored, [...lines])
            return Effect.sync(() => void appended.push(lines))
          })
        )
        const actions = [finish("b", `"B"`), fail("c", `"no"`), finish("a", `"A"`)]
        yield* Effect.all(actions, { concurrency: 3 })
        yield* finish("d", `"D"`)
        assert.deepStrictEqual(appended, [[`"B"`, `"A"`], [`"D"`]])
      }).pipe(Effect.provide(Layer.provide(begun(["a", "b", "c", "d"]), database)))
    )
  })
}
