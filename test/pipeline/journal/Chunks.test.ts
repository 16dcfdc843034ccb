import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import * as Stream from "effect/Stream"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { postgres } from "./databases.ts"
import { dies, joined } from "./processes.ts"
import { answerOf, callOf, rowsOf, tickets } from "./runs.ts"

describe.skipIf(postgres.missing !== "")(`a job that several processes work on${postgres.missing}`, () => {
  it.live("is not open before it is submitted", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(process)
      assert.instanceOf(error, Journal.JobNotSubmitted)
      assert.include(error.message, `the job "tickets" is not submitted to the PostgreSQL database`)
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("has its rows with their inputs in chunks, which the queue gets once", () =>
    Effect.gen(function* () {
      const chunks = yield* submit("a", "b")
      assert.strictEqual(chunks.length, 1)
      yield* (yield* shared).sending.markSent(chunks)
      assert.deepStrictEqual(yield* (yield* shared).sending.unsent, [])
      const { chunk, one } = yield* taken(chunks)
      const rows = yield* one.chunks.rows(chunk)
      assert.deepStrictEqual(
        rows.map(({ input, key, ordinal }) => ({ input, key, ordinal })),
        [
          { key: "a", ordinal: 0, input: { form: "json", value: `{"id":"a"}` } },
          { key: "b", ordinal: 1, input: { form: "json", value: `{"id":"b"}` } }
        ]
      )
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("counts the rows, the calls and the costs of all processes", () =>
    Effect.gen(function* () {
      const { chunk, one, other } = yield* taken(yield* submit("a", "b", "c"))
      yield* one.chunks.rows(chunk)
      yield* one.journal.replies.save([answerOf(callOf("a"))])
      yield* one.journal.finish("a", `{"key":"a"}`)
      yield* one.chunks.release(chunk)
      assert.isTrue(yield* (yield* shared).isOpen)
      assert.isDefined(yield* other.chunks.take(chunk))
      yield* other.chunks.rows(chunk)
      yield* other.journal.replies.save([answerOf(callOf("b"))])
      yield* other.journal.finish("b", `{"key":"b"}`)
      yield* other.journal.fail("c", `{"error":"Overloaded","message":"busy"}`)
      const state = yield* stateOf
      assert.deepStrictEqual(yield* state.counts, { total: 3, done: 2, failed: 1, pending: 0 })
      const { all, run, runs } = yield* state.totals
      assert.deepStrictEqual([all.calls, BigDecimal.format(all.cost), runs], [2, "0.0021", 1])
      assert.strictEqual(BigDecimal.format(run.cost), BigDecimal.format(all.cost))
      assert.deepStrictEqual(yield* Stream.runCollect(state.outputs), [`{"key":"a"}`, `{"key":"b"}`])
      assert.deepStrictEqual([yield* (yield* shared).isOpen, yield* (yield* shared).workers], [false, 2])
      assert.isTrue(yield* other.chunks.close(chunk))
      assert.isUndefined(yield* one.chunks.take(chunk))
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("drops the result of a process that has lost its chunk, and keeps its reply as a late one", () =>
    Effect.gen(function* () {
      const { chunk, one, other } = yield* taken(yield* submit("a"))
      yield* one.chunks.rows(chunk)
      yield* other.chunks.take(chunk)
      yield* one.journal.replies.save([answerOf(callOf("a"))])
      yield* one.journal.finish("a", `{"key":"a"}`)
      assert.deepStrictEqual(yield* (yield* stateOf).counts, { total: 1, done: 0, failed: 0, pending: 1 })
      assert.isFalse(yield* one.chunks.close(chunk))
      const [row] = yield* other.chunks.rows(chunk)
      assert.strictEqual(row?.replies.length, 1)
      const sql = yield* SqlClient
      assert.deepStrictEqual(yield* sql`SELECT late FROM effect_claude_calls`.values, [[1]])
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("writes no result on another server than before, which may lack the replies", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      let hasMoved = false
      const reserve = Effect.map(sql.reserve, (connection): Connection => {
        const executeValues: Connection["executeValues"] = (statement, values) =>
          connection.executeValues(hasMoved ? statement.replace("pg_postmaster_start_time", "now") : statement, values)
        return Object.assign(Object.create(connection), { executeValues })
      })
      const plain = Object.assign(sql.withoutTransforms(), { reserve })
      const moving = Object.assign(sql, { withoutTransforms: () => plain })
      yield* Effect.gen(function* () {
        const { chunk, one } = yield* taken(yield* submit("a", "b"))
        yield* one.chunks.rows(chunk)
        yield* one.journal.finish("a", `{"key":"a"}`)
        hasMoved = true
        const error = yield* Effect.flip(one.journal.finish("b", `{"key":"b"}`))
        assert.include(error.message, "the database has moved to another server, or the server has restarted")
        assert.strictEqual((yield* (yield* stateOf).counts).done, 1)
      }).pipe(Effect.provideService(SqlClient, moving))
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("uses a late reply only where there is no other, and then the first one", () =>
    Effect.gen(function* () {
      const { chunk, one, other } = yield* taken(yield* submit("a", "b"))
      yield* one.chunks.rows(chunk)
      yield* other.chunks.take(chunk)
      yield* other.chunks.rows(chunk)
      const reply = (row: string, requestId: string) => {
        const answer = answerOf(callOf(row))
        return { ...answer, reply: { ...answer.reply, requestId } }
      }
      yield* one.journal.replies.save([reply("a", "late"), reply("b", "first")])
      yield* other.journal.replies.save([reply("a", "timely")])
      yield* one.journal.replies.save([reply("a", "later"), reply("b", "second")])
      const rows = yield* other.chunks.rows(chunk)
      assert.deepStrictEqual(
        rows.map(({ replies }) => replies[0]?.reply.requestId),
        ["timely", "first"]
      )
      const found = yield* Effect.forEach(["a", "b"], (row) => other.journal.replies.find(callOf(row)))
      assert.deepStrictEqual(
        found.map((reply) => reply?.requestId),
        ["timely", "first"]
      )
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("is submitted again once no process works on it, with new rows and failed ones", () =>
    Effect.gen(function* () {
      const { chunk, one, other, stop } = yield* taken(yield* submit("a", "b"))
      yield* one.chunks.rows(chunk)
      yield* one.journal.finish("a", `{"key":"a"}`)
      yield* one.journal.fail("b", `{"error":"Overloaded","message":"busy"}`)
      yield* one.chunks.close(chunk)
      const again = yield* Effect.forkChild(submit("a", "b", "c"))
      yield* Effect.repeat(Effect.delay(one.chunks.isWanted, "20 millis"), { until: (isWanted) => isWanted })
      assert.isTrue(yield* other.chunks.isWanted)
      const refused = yield* Effect.flip(process)
      assert.instanceOf(refused, Journal.JobNotSubmitted)
      assert.match(refused.message, /^a submission or a run has the job "tickets" in the PostgreSQL database/)
      yield* stop
      const [next, ...more] = yield* Fiber.join(again)
      assert.deepStrictEqual([next?.first, next?.generation, more], [chunk.first, 2, []])
      assert.isTrue(yield* (yield* shared).isOpen)
      const third = yield* process
      assert.isUndefined(yield* third.chunks.take(chunk))
      if (next === undefined) return
      assert.isDefined(yield* third.chunks.take(next))
      assert.deepStrictEqual(
        (yield* third.chunks.rows(next)).map(({ hasFailed, key }) => [key, hasFailed]),
        [
          ["b", true],
          ["c", false]
        ]
      )
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live(
    "takes the chunks of a process that has lost its lock, and has not noticed it, when it is submitted again",
    () =>
      Effect.gen(function* () {
        const [chunk] = yield* submit("a", "b")
        if (chunk === undefined) return yield* Effect.die("there is no chunk")
        const one = yield* joined
        yield* one.chunks.take(chunk)
        yield* one.chunks.rows(chunk)
        yield* dies(one.run)
        yield* submit("a", "b")
        yield* one.journal.finish("a", `{"key":"a"}`)
        assert.isFalse(yield* one.chunks.close(chunk))
        assert.deepStrictEqual(yield* (yield* stateOf).counts, { total: 2, done: 0, failed: 0, pending: 2 })
        assert.isTrue(yield* (yield* shared).isOpen)
      }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("counts the starts and the deaths of a chunk, and none of a process that ended in order", () =>
    Effect.gen(function* () {
      const { chunk, one, other, stop } = yield* taken(yield* submit("a", "b"))
      yield* one.chunks.release(chunk)
      yield* one.chunks.take(chunk)
      yield* one.chunks.rows(chunk)
      yield* one.chunks.tryAlone(chunk, "a")
      assert.deepStrictEqual(yield* other.chunks.take(chunk), { starts: 2, suspect: { key: "a", deaths: 1 } })
      yield* other.chunks.rows(chunk)
      yield* other.chunks.tryAlone(chunk, "b")
      assert.deepStrictEqual(yield* one.chunks.take(chunk), { starts: 3, suspect: { key: "b", deaths: 1 } })
      // It has lost the chunk.
      yield* other.chunks.tryAlone(chunk, "a")
      yield* other.chunks.release(chunk)
      assert.deepStrictEqual(yield* other.chunks.take(chunk), { starts: 4, suspect: { key: "b", deaths: 2 } })
      yield* stop
      const [next = chunk] = yield* submit("a", "b", "c")
      assert.deepStrictEqual(yield* (yield* process).chunks.take(next), { starts: 1, suspect: undefined })
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("is not recorded as sent where only an earlier generation was", () =>
    Effect.gen(function* () {
      const [chunk] = yield* submit("a")
      if (chunk === undefined) return yield* Effect.die("there is no chunk")
      yield* submit("a")
      const { sending } = yield* shared
      yield* sending.markSent([chunk])
      assert.deepStrictEqual(yield* sending.unsent, [{ ...chunk, generation: 2 }])
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("reads only the rows of a chunk, also before the database has statistics of them", () =>
    Effect.gen(function* () {
      const { chunk, one } = yield* taken(yield* submit(...Array.from({ length: 2000 }, (_, index) => `row ${index}`)))
      const sql = yield* SqlClient
      const reading = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        sql.withTransaction(
          Effect.andThen(
            effect,
            sql`SELECT CAST(SUM(idx_tup_fetch + seq_tup_read) AS INTEGER) FROM pg_stat_xact_user_tables
                WHERE relname = 'effect_claude_rows' AND schemaname = current_schema()`.values
          )
        )
      assert.isAtMost(Number((yield* reading(one.chunks.rows(chunk)))[0]?.[0]), 300)
      assert.isAtMost(Number((yield* reading(one.chunks.close(chunk)))[0]?.[0]), 300)
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )

  it.live("does not share its budget beyond its end", () =>
    Effect.gen(function* () {
      const { one, other } = yield* taken(yield* submit("a"))
      const [first, second] = [yield* one.journal.spending, yield* other.journal.spending]
      const ask = (spending: Journal.Spending, needed: number, wanted: number) =>
        Effect.map(
          spending.shared?.allot("USD", {
            cap: dollars(10),
            needed: dollars(needed),
            wanted: dollars(wanted),
            waits: "no",
            isIdle: false
          }) ?? Effect.die("it is not shared"),
          (answer) => (answer._tag === "granted" ? BigDecimal.format(answer.amount) : `refused`)
        )
      const both = yield* Effect.all([ask(first, 4, 6), ask(second, 4, 6)], { concurrency: 2 })
      assert.deepStrictEqual(both.toSorted(), ["4", "6"])
      assert.strictEqual(yield* ask(first, 7, 8), "refused")
      yield* second.hold("USD", dollars(1))
      assert.strictEqual(yield* ask(first, 7, 20), "9")
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )
})

// Builders

const dollars = (amount: number) => BigDecimal.fromBigInt(BigInt(amount))

/** Submits rows with these keys, and returns the chunks that the queue lacks. */
const submit = Effect.fnUntraced(function* (...keys: ReadonlyArray<string>) {
  const rows = rowsOf(...keys).map((row) => ({ ...row, form: "json", encoded: { id: row.key } }))
  yield* Effect.scoped(
    Effect.flatMap(Layer.build(Journal.layer({ ...tickets, submits: true })), (context) => {
      const { begin, claim } = Context.get(context, Journal.Journal)
      return begin(claim(rows))
    })
  )
  return yield* (yield* shared).sending.unsent
})

const stateOf = Effect.flatMap(Journal.states, ([state]) =>
  state === undefined ? Effect.die("there is no job") : Effect.succeed(state)
)

const shared = Effect.flatMap(stateOf, ({ shared }) =>
  shared === undefined ? Effect.die("the job is not shared") : Effect.succeed(shared)
)

/** A process that works on the job. */
const process = Effect.map(Layer.build(Journal.layerWorker(tickets)), (context) => ({
  journal: Context.get(context, Journal.Journal),
  chunks: Context.get(context, Journal.Chunks)
}))

/** Two processes, of which the first has taken a chunk. `stop` ends both. */
const taken = Effect.fnUntraced(function* ([chunk]: ReadonlyArray<Journal.Chunk>) {
  const scope = yield* Scope.make()
  const one = yield* Scope.provide(process, scope)
  const other = yield* Scope.provide(process, scope)
  const stop = Scope.close(scope, Exit.void)
  yield* Effect.addFinalizer(() => stop)
  if (chunk === undefined) return yield* Effect.die("there is no chunk")
  const taken = yield* one.chunks.take(chunk)
  assert.deepStrictEqual(taken, { starts: 1, suspect: undefined })
  return { chunk, one, other, stop }
})
