import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Journal from "../../src/pipeline/Journal.ts"
import { postgres, sqlite } from "./journal/databases.ts"

type Row = typeof Row.Type
/** A row of the input, and the action of the run if the row is pending. */
const Row = Schema.Tuple([Schema.Literals(["a", "b", "c", "d"]), Schema.Literals(["finish", "fail", "leave"])])

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`a journal in ${name}${missing}`, () => {
    describe("the rows of a run", () => {
      it.effect("are pending until they are done, and their outputs come in input order", () =>
        Effect.gen(function* () {
          const journal = yield* Journal.Journal
          assert.deepStrictEqual(yield* statusesOf(journal, rowsOf("a", "b", "c")), ["pending", "pending", "pending"])
          yield* journal.finish("c", `"C"`)
          yield* journal.finish("a", `"A"`)
          assert.deepStrictEqual(yield* Stream.runCollect(journal.outputs), [`"A"`, `"C"`])
          assert.deepStrictEqual(yield* pendingRows(journal), [{ key: "b", ordinal: 1 }])
          assert.deepStrictEqual(yield* journal.counts, { done: 2, failed: 0, pending: 1 })
        }).pipe(Effect.provide(Layer.provide(run, database)))
      )

      it.effect("are duplicates if their key was claimed before, in the same page or in an earlier one", () =>
        Effect.gen(function* () {
          const journal = yield* Journal.Journal
          assert.deepStrictEqual(yield* statusesOf(journal, rowsOf("a", "a", "b")), ["pending", "duplicate", "pending"])
          yield* journal.finish("a", `"A"`)
          const next = [
            { key: "b", ordinal: 3 },
            { key: "a", ordinal: 4 },
            { key: "c", ordinal: 5 },
            { key: "c", ordinal: 6 }
          ]
          assert.deepStrictEqual(yield* statusesOf(journal, next), ["duplicate", "duplicate", "pending", "duplicate"])
          assert.deepStrictEqual(yield* pendingRows(journal), [
            { key: "b", ordinal: 2 },
            { key: "c", ordinal: 5 }
          ])
          assert.deepStrictEqual(yield* journal.counts, { done: 1, failed: 0, pending: 2 })
        }).pipe(Effect.provide(Layer.provide(run, database)))
      )

      it.effect("are kept with their error when they fail", () =>
        Effect.gen(function* () {
          const journal = yield* Journal.Journal
          yield* statusesOf(journal, rowsOf("a", "b"))
          yield* journal.fail("b", `"no"`)
          yield* journal.fail("a", `"never"`)
          assert.deepStrictEqual(yield* failedRows(journal), [
            { key: "a", error: `"never"` },
            { key: "b", error: `"no"` }
          ])
          assert.deepStrictEqual(yield* journal.counts, { done: 0, failed: 2, pending: 0 })
          yield* journal.finish("a", `"A"`)
          assert.deepStrictEqual(yield* journal.counts, { done: 1, failed: 1, pending: 0 })
        }).pipe(Effect.provide(Layer.provide(run, database)))
      )

      it.effect("cannot be finished before they are claimed", () =>
        Effect.gen(function* () {
          const journal = yield* Journal.Journal
          const exit = yield* Effect.exit(journal.finish("a", `"A"`))
          assert.isTrue(Exit.isFailure(exit) && String(exit.cause).includes("row a was never claimed"))
        }).pipe(Effect.provide(Layer.provide(run, database)))
      )

      it.effect("are complete when they need several pages", () =>
        Effect.gen(function* () {
          const journal = yield* Journal.Journal
          const keys = Array.from({ length: 1000 }, (_, index) => `row ${index}`)
          const claims = yield* statusesOf(journal, rowsOf(...keys))
          assert.deepStrictEqual([claims.length, new Set(claims)], [1000, new Set(["pending"])])
          yield* Effect.forEach(keys.toReversed().slice(200), (key) => journal.finish(key, key), { concurrency: 8 })
          yield* Effect.forEach(keys.slice(900), (key) => journal.fail(key, key), { concurrency: 8 })
          assert.deepStrictEqual(yield* Stream.runCollect(journal.outputs), keys.slice(0, 800))
          const pending = yield* pendingRows(journal)
          assert.deepStrictEqual(pending, rowsOf(...keys).slice(800))
          assert.lengthOf(yield* failedRows(journal), 100)
        }).pipe(Effect.provide(Layer.provide(run, database)))
      )

      it.effect("are each pending once while the run finishes and fails them", () =>
        Effect.gen(function* () {
          const journal = yield* Journal.Journal
          const keys = Array.from({ length: 600 }, (_, index) => `row ${index}`)
          yield* statusesOf(journal, rowsOf(...keys))
          const seen: Array<string> = []
          yield* Stream.runForEach(journal.pending("all"), ({ key, ordinal }) => {
            seen.push(key)
            return ordinal % 2 === 0 ? journal.finish(key, key) : journal.fail(key, key)
          })
          assert.deepStrictEqual(seen, keys)
        }).pipe(Effect.provide(Layer.provide(run, database)))
      )

      it.effect("accept any text as their key", () =>
        Effect.gen(function* () {
          const long = "k".repeat(5000)
          const keys = ["", " ", "'", `"`, "\\", "é", "e\u0301", "😀", long, `${long}.`, "sha256:", "%", "__proto__"]
          yield* Effect.gen(function* () {
            const journal = yield* Journal.Journal
            assert.deepStrictEqual(new Set(yield* statusesOf(journal, rowsOf(...keys))), new Set(["pending"]))
            assert.deepStrictEqual(yield* pendingRows(journal), rowsOf(...keys))
            yield* Effect.forEach(keys, (key) => journal.fail(key, key))
            const failures = yield* failedRows(journal)
            assert.deepStrictEqual(
              failures,
              keys.map((key) => ({ key, error: key }))
            )
            yield* Effect.forEach(keys, (key) => journal.finish(key, key))
          }).pipe(Effect.provide(run))
          const claims = Journal.Journal.use((journal) => statusesOf(journal, rowsOf(...keys)))
          assert.deepStrictEqual(new Set(yield* Effect.provide(claims, run)), new Set(["done"]))
        }).pipe(Effect.provide(database))
      )

      it.effect("use as many bytes in a file as the journal documents", () =>
        Effect.gen(function* () {
          const journal = yield* Journal.Journal
          assert.strictEqual(yield* journal.outputSize, 0)
          yield* statusesOf(journal, rowsOf("a", "b", "c"))
          yield* journal.finish("a", `"é😀"`)
          yield* journal.finish("b", `""`)
          yield* journal.fail("c", `"no"`)
          const outputs = yield* Stream.runCollect(journal.outputs)
          assert.strictEqual(
            yield* journal.outputSize,
            Buffer.byteLength(outputs.map((output) => `${output}\n`).join(""))
          )
        }).pipe(Effect.provide(Layer.provide(run, database)))
      )
    })

    describe("the next run", () => {
      it.effect("finds finished rows done, and the others pending", () =>
        Effect.gen(function* () {
          yield* Effect.gen(function* () {
            const journal = yield* Journal.Journal
            yield* statusesOf(journal, rowsOf("done", "failed", "unfinished"))
            yield* journal.finish("done", `"first"`)
            yield* journal.fail("failed", `"no"`)
          }).pipe(Effect.provide(run))

          yield* Effect.gen(function* () {
            const journal = yield* Journal.Journal
            assert.deepStrictEqual(yield* journal.counts, { done: 0, failed: 0, pending: 0 })
            const claims = yield* statusesOf(journal, rowsOf("failed", "new", "done", "unfinished"))
            assert.deepStrictEqual(claims, ["pending", "pending", "done", "pending"])
            assert.deepStrictEqual(yield* pendingRows(journal), [
              { key: "failed", ordinal: 0 },
              { key: "new", ordinal: 1 },
              { key: "unfinished", ordinal: 3 }
            ])
            assert.deepStrictEqual(yield* journal.counts, { done: 1, failed: 0, pending: 3 })
            yield* journal.finish("failed", `"second"`)
            assert.deepStrictEqual(yield* Stream.runCollect(journal.outputs), [`"second"`, `"first"`])
            assert.deepStrictEqual(yield* failedRows(journal), [])
          }).pipe(Effect.provide(run))
        }).pipe(Effect.provide(database))
      )

      it.effect("leaves out rows that its input no longer has, while the state keeps them", () =>
        Effect.gen(function* () {
          yield* runOf([
            ["a", "finish"],
            ["b", "finish"]
          ])
          assert.deepStrictEqual((yield* runOf([["b", "leave"]])).outputs, ["b in run 0"])
          const third = yield* runOf([
            ["a", "leave"],
            ["b", "leave"]
          ])
          assert.deepStrictEqual(third.outputs, ["a in run 0", "b in run 0"])
        }).pipe(Effect.provide(database))
      )

      it.layer(database)((it) => {
        let jobs = 0
        it.effect.prop(
          "agrees with a model of the journal after any earlier runs",
          [Schema.Array(Schema.Array(Row))],
          ([runs]) =>
            Effect.gen(function* () {
              const job = `job ${jobs++}`
              const finished = new Map<string, string>()
              for (const [number, rows] of runs.entries()) {
                assert.deepStrictEqual(yield* runOf(rows, { job }, number), modelRun(number, rows, finished))
              }
            }),
          { arbitrary: { runs: name === "SQLite" ? 100 : 20 } }
        )
      })
    })

    describe("jobs in one database", () => {
      it.effect("can have the same keys and never see each other's rows, in consecutive and concurrent runs", () =>
        Effect.gen(function* () {
          const letters = begun({ job: "letters", shape: ["other"], emulated: true })
          yield* runOf([["a", "finish"]])
          yield* Effect.gen(function* () {
            const journal = yield* Journal.Journal
            assert.deepStrictEqual(yield* statusesOf(journal, rowsOf("b", "a")), ["pending", "pending"])
            const other = yield* runOf([
              ["a", "leave"],
              ["b", "finish"]
            ])
            assert.deepStrictEqual(other, {
              claims: ["done", "pending"],
              pending: ["b"],
              outputs: ["a in run 0", "b in run 0"],
              failures: [],
              counts: { done: 2, failed: 0, pending: 0 }
            })
            yield* journal.finish("b", "letter b")
            assert.deepStrictEqual(yield* Stream.runCollect(journal.outputs), ["letter b"])
            assert.deepStrictEqual(yield* pendingRows(journal), [{ key: "a", ordinal: 1 }])
            assert.deepStrictEqual(yield* journal.counts, { done: 1, failed: 0, pending: 1 })
          }).pipe(Effect.provide(letters))
          assert.deepStrictEqual((yield* runOf([["a", "leave"]])).outputs, ["a in run 0"])
        }).pipe(Effect.provide(database))
      )
    })

    describe("the answers of an emulator", () => {
      it.effect("do not open for a run that Claude answers, nor the reverse", () =>
        Effect.gen(function* () {
          for (const emulated of [true, false]) {
            const job = { ...tickets, job: `answered by ${emulated}` }
            yield* runOf([["a", "finish"]], { ...job, emulated })
            const error = yield* Effect.flip(
              Effect.provide(Journal.Journal, Journal.layer({ ...job, emulated: !emulated }))
            )
            assert.instanceOf(error, Journal.JournalMixed)
            const whose = emulated ? "the emulator's answers, not Claude's" : "Claude's answers, not the emulator's"
            assert.strictEqual(error.message, `${error.state} is for ${whose}, and the two are never mixed`)
            const same = yield* Effect.provide(Journal.Journal, Journal.layer({ ...job, emulated }))
            assert.strictEqual(yield* same.emulated, emulated)
          }
        }).pipe(Effect.provide(database))
      )

      it.effect("do not matter if no row is done", () =>
        Effect.gen(function* () {
          yield* runOf([["a", "fail"]], { ...tickets, emulated: true })
          const { claims } = yield* runOf([["a", "finish"]], { ...tickets, emulated: false })
          assert.deepStrictEqual(claims, ["pending"])
          const mixed = yield* Effect.flip(runOf([], { ...tickets, emulated: true }))
          assert.instanceOf(mixed, Journal.JournalMixed)
        }).pipe(Effect.provide(database))
      )
    })

    describe("a state", () => {
      it.effect("names the differences of its job from the form whose results it holds", () =>
        Effect.gen(function* () {
          const shape = {
            model: "claude-haiku-4-5",
            steps: [{ name: "sort" }],
            prompt: "Sort it. ".repeat(10),
            seed: 1
          }
          yield* runOf([["a", "finish"]], { job: "tickets", shape })
          const { model, prompt, seed, steps } = shape
          yield* runOf([], { job: "tickets", shape: { seed, prompt, steps, model } })

          const now = { model: "claude-opus-5-5", steps: [...steps, { name: "send" }], prompt: "Order it. ".repeat(10) }
          assert.deepStrictEqual(yield* differencesOf({ job: "tickets", shape: now }), [
            "seed was 1 and is absent",
            "prompt has changed",
            `model was "claude-haiku-4-5" and is "claude-opus-5-5"`,
            `steps.1.name was absent and is "send"`
          ])
          assert.deepStrictEqual(yield* differencesOf({ job: "tickets", shape }), [])
          yield* runOf([["a", "leave"]], { job: "tickets", shape: now })
          assert.deepStrictEqual(yield* differencesOf({ job: "tickets", shape: now }), [])
        }).pipe(Effect.provide(database))
      )

      it.effect("without a finished row fits any form of its job", () =>
        Effect.gen(function* () {
          yield* runOf([["a", "fail"]])
          assert.deepStrictEqual(yield* differencesOf({ ...tickets, shape: null }), [])
          yield* runOf([["a", "finish"]], { ...tickets, shape: null })
          assert.lengthOf(yield* differencesOf(tickets), 2)
        }).pipe(Effect.provide(database))
      )

      it.effect("is unchanged if the claims fail, and the run fails with the same error", () =>
        Effect.gen(function* () {
          yield* runOf([["a", "finish"]])
          const before = yield* everything
          const sql = yield* SqlClient
          const claims: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
            Effect.fail("no such input"),
            sql`SELECT nothing`,
            Effect.interrupt
          ]
          for (const claim of claims) {
            const begin = Journal.Journal.use((journal) =>
              journal.begin(Effect.andThen(journal.claim(rowsOf("b")), claim))
            )
            assert.deepStrictEqual(
              yield* failureOf(Effect.provide(begin, Journal.layer(tickets))),
              yield* failureOf(claim)
            )
            assert.deepStrictEqual(yield* everything, before)
          }
          assert.deepStrictEqual((yield* runOf([["a", "leave"]])).claims, ["done"])
        }).pipe(Effect.provide(database))
      )

      it.effect("does not open if it is newer than this version, and is unchanged", () =>
        Effect.gen(function* () {
          const sql = yield* SqlClient
          yield* runOf([["a", "finish"]])
          yield* sql`INSERT INTO effect_claude_migrations (migration_id, name) VALUES (99, 'from_the_future')`
          const before = yield* everything
          const error = yield* Effect.flip(runOf([]))
          assert.instanceOf(error, Journal.JournalTooNew)
          assert.strictEqual(
            error.message,
            `a newer effect-claude wrote ${error.state}: its format is 99, and this version reads formats up to 12; ` +
              "update effect-claude"
          )
          assert.deepStrictEqual(yield* everything, before)
        }).pipe(Effect.provide(database))
      )

      it.effect("is named in the error if it breaks", () =>
        Effect.gen(function* () {
          const sql = yield* SqlClient
          yield* Effect.gen(function* () {
            const journal = yield* Journal.Journal
            yield* journal.claim(rowsOf("a"))
            yield* sql`DROP TABLE effect_claude_results`
            const error = yield* Effect.flip(journal.finish("a", `"A"`))
            assert.match(error.message, /^the journal failed: .*effect_claude_results/)
          }).pipe(Effect.provide(run))
        }).pipe(Effect.provide(database))
      )
    })
  })
}

describe("a database of another program", () => {
  const diary = Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* sql`CREATE TABLE journal (version INTEGER, entry TEXT)`
    yield* sql`INSERT INTO journal VALUES (1, 'Dear diary')`
  })
  const unchanged = Effect.map(
    SqlClient.use((sql) => sql`SELECT * FROM journal`.values),
    (rows) => assert.deepStrictEqual(rows, [[1, "Dear diary"]])
  )

  it.effect("is refused if it is an SQLite file, and the file is unchanged", () =>
    Effect.gen(function* () {
      yield* diary
      const error = yield* Effect.flip(runOf([]))
      assert.instanceOf(error, Journal.JournalForeign)
      assert.strictEqual(
        error.message,
        `${error.state} is a database of another program, with the tables "journal"; use another file`
      )
      assert.match(error.state, /state\.sqlite$/)
      yield* unchanged
      const sql = yield* SqlClient
      assert.deepStrictEqual(yield* sql`SELECT name FROM sqlite_schema`.values, [["journal"]])
    }).pipe(Effect.provide(sqlite.layer))
  )

  it.effect.skipIf(postgres.missing !== "")(
    `can hold a journal too if it is in PostgreSQL, and its own tables are unchanged${postgres.missing}`,
    () =>
      Effect.gen(function* () {
        yield* diary
        yield* runOf([["a", "finish"]])
        assert.deepStrictEqual((yield* runOf([["a", "leave"]])).claims, ["done"])
        yield* unchanged
      }).pipe(Effect.provide(postgres.layer))
  )

  it.effect.skipIf(postgres.missing !== "")(`names a table that is in the way${postgres.missing}`, () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`CREATE TABLE effect_claude_rows (entry TEXT)`
      const error = yield* Effect.flip(runOf([]))
      assert.instanceOf(error, Journal.JournalFailed)
      assert.match(error.message, /effect_claude_rows.* already exists/)
    }).pipe(Effect.provide(postgres.layer))
  )
})

describe("the lock of a job in PostgreSQL", () => {
  it.effect.skipIf(postgres.missing !== "")(`keeps a second run out until the first has ended${postgres.missing}`, () =>
    Effect.gen(function* () {
      yield* Effect.gen(function* () {
        const error = yield* Effect.flip(runOf([]))
        assert.instanceOf(error, Journal.JournalInUse)
        assert.match(
          error.message,
          /^another process is running the job "tickets" on the PostgreSQL database \w+; wait/
        )
        yield* runOf([["a", "finish"]], { ...tickets, job: "letters" })
      }).pipe(Effect.provide(run))
      yield* runOf([["a", "finish"]])
    }).pipe(Effect.provide(postgres.layer))
  )

  it.effect.skipIf(postgres.missing !== "")(
    `fails where it holds the only connection, and does not hang${postgres.missing}`,
    () =>
      Effect.gen(function* () {
        const opening = yield* Effect.forkChild(Effect.flip(runOf([])))
        while (opening.pollUnsafe() === undefined) {
          yield* TestClock.adjust("1 second")
          yield* Effect.promise(() => new Promise(setImmediate))
        }
        const error = yield* Fiber.join(opening)
        assert.instanceOf(error, Journal.JournalFailed)
        assert.match(error.message, /no second connection within 10 seconds.*; let the pool have at least two$/)
      }).pipe(Effect.provide(postgres.single))
  )
})

// Builders

const tickets: Journal.Options = { job: "tickets", shape: { model: "claude-haiku-4-5" } }

/** A started run. */
const begun = (options: Journal.Options) =>
  Layer.effect(
    Journal.Journal,
    Effect.tap(Journal.Journal, (journal) => journal.begin(Effect.void))
  ).pipe(Layer.provide(Journal.layer(options)))

const run = begun(tickets)

const differencesOf = (options: Journal.Options) =>
  Effect.provide(
    Journal.Journal.useSync(({ differences }) => differences),
    Journal.layer(options)
  )

/** Claims rows; returns the status of each. */
const statusesOf = (journal: Journal.Journal["Service"], rows: ReadonlyArray<Journal.Row>) =>
  Effect.map(journal.claim(rows), (claims) => claims.map(({ status }) => status))

/** The rows that are to run, without their replies. */
const pendingRows = (journal: Journal.Journal["Service"]) =>
  Effect.map(Stream.runCollect(journal.pending("all")), (rows) => rows.map(({ key, ordinal }) => ({ key, ordinal })))

const failedRows = (journal: Journal.Journal["Service"]) =>
  Effect.map(Stream.runCollect(journal.failures), (rows) => rows.map(({ error, key }) => ({ key, error })))

/** The first rows of an input, with these keys. */
const rowsOf = (...keys: ReadonlyArray<string>) => keys.map((key, ordinal): Journal.Row => ({ key, ordinal }))

/** Runs the rows once: returns the result of each claim and the final reports of the journal. */
const runOf = (rows: ReadonlyArray<Row>, options: Partial<Journal.Options> = {}, number = 0) =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    const claims = yield* statusesOf(journal, rowsOf(...rows.map(([key]) => key)))
    const pending = (yield* pendingRows(journal)).map(({ key }) => key)
    for (const [index, [key, action]] of rows.entries()) {
      if (claims[index] !== "pending") continue
      if (action === "finish") yield* journal.finish(key, `${key} in run ${number}`)
      if (action === "fail") yield* journal.fail(key, "no")
    }
    const outputs = yield* Stream.runCollect(journal.outputs)
    const failures = (yield* failedRows(journal)).map(({ key }) => key)
    return { claims, pending, outputs, failures, counts: yield* journal.counts }
  }).pipe(Effect.provide(begun({ ...tickets, ...options })))

/** The expected result of `runOf`. The runs of one job share `finished`. */
const modelRun = (number: number, rows: ReadonlyArray<Row>, finished: Map<string, string>) => {
  const actions = new Map<string, string>()
  const pending: Array<string> = []
  const claims = rows.map(([key, action]) => {
    if (actions.has(key)) return "duplicate"
    actions.set(key, action)
    if (finished.has(key)) return "done"
    if (action === "finish") finished.set(key, `${key} in run ${number}`)
    pending.push(key)
    return "pending"
  })
  const keys = [...actions.keys()]
  const outputs = keys.flatMap((key) => finished.get(key) ?? [])
  const failures = keys.filter((key) => !finished.has(key) && actions.get(key) === "fail")
  const counts = {
    done: outputs.length,
    failed: failures.length,
    pending: keys.length - outputs.length - failures.length
  }
  return { claims, pending, outputs, failures, counts }
}

const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => Exit.isFailure(exit) && Cause.squash(exit.cause))

/** All rows of all tables. */
const everything = SqlClient.use((sql) =>
  Effect.forEach(
    ["jobs", "rows", "results", "migrations"],
    (table) => sql`SELECT * FROM ${sql(`effect_claude_${table}`)} ORDER BY 1, 2`
  )
)
