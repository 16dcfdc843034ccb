import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { CurrentTransformer, type Transformer } from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import * as Journal from "../../../src/pipeline/Journal.ts"
import * as Sqlite from "../../../src/run/Sqlite.ts"
import { begun } from "./runs.ts"

// Without an index, each page would read all rows of the job.
it.effect("finds the rows of every state by an index, in the order of the input", () =>
  Effect.gen(function* () {
    const texts: Array<string> = []
    const collect: Transformer = (statement) => {
      texts.push(statement.compile()[0])
      return Effect.succeed(statement)
    }
    const journal = yield* Journal.Journal
    yield* journal.fail("a", "{}")
    yield* Effect.gen(function* () {
      yield* Stream.runDrain(journal.pending("all"))
      yield* Stream.runDrain(journal.pending("untried"))
      yield* Stream.runDrain(journal.pending("failed"))
      yield* Stream.runDrain(journal.outputs)
      yield* Stream.runDrain(journal.failures)
    }).pipe(Effect.provideService(CurrentTransformer, collect))
    const sql = yield* SqlClient
    const plans = yield* Effect.forEach(texts, (text) => sql.unsafe(`EXPLAIN QUERY PLAN ${text}`).values)
    assert.deepStrictEqual(
      plans.map((steps) => String(steps[0]?.[3]).replace(/^SEARCH r USING (COVERING )?INDEX /, "")),
      ["open", "open", "failed", "done", "failed"].map(
        (index) => `effect_claude_rows_${index} (job=? AND run=? AND ordinal>?)`
      )
    )
  }).pipe(Effect.provide(Layer.provideMerge(begun(["a"]), Sqlite.layerMemory)))
)
