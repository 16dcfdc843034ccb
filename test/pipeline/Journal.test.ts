import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import {
  Journal,
  JournalFailed,
  JournalMismatch,
  JournalMixed,
  JournalTooNew,
  layer
} from "../../src/pipeline/Journal.ts"
import * as Sqlite from "../../src/run/Sqlite.ts"

type Row = typeof Row.Type
/** A row of the input, and what comes of it when it is pending. */
const Row = Schema.Tuple([Schema.Literals(["a", "b", "c", "d"]), Schema.Literals(["finish", "fail", "leave"])])

describe("the rows of a run", () => {
  it.effect("are pending until they are done, and their outputs come in the order of the input", () =>
    Effect.gen(function* () {
      const journal = yield* Journal
      assert.strictEqual(yield* journal.claim("a", 0), "pending")
      assert.strictEqual(yield* journal.claim("b", 1), "pending")
      assert.strictEqual(yield* journal.claim("c", 2), "pending")
      yield* journal.finish("c", `"C"`)
      yield* journal.finish("a", `"A"`)
      assert.deepStrictEqual(yield* Stream.runCollect(journal.outputs), [`"A"`, `"C"`])
      assert.deepStrictEqual(yield* journal.counts, { done: 2, failed: 0, pending: 1 })
    }).pipe(Effect.provide(runInMemory))
  )

  it.effect("are duplicates when their key was there before", () =>
    Effect.gen(function* () {
      const journal = yield* Journal
      yield* journal.claim("a", 0)
      assert.strictEqual(yield* journal.claim("a", 1), "duplicate")
      yield* journal.finish("a", `"A"`)
      assert.strictEqual(yield* journal.claim("a", 2), "duplicate")
      assert.deepStrictEqual(yield* journal.counts, { done: 1, failed: 0, pending: 0 })
    }).pipe(Effect.provide(runInMemory))
  )

  it.effect("are pending where they were claimed, until they are done", () =>
    Effect.gen(function* () {
      const journal = yield* Journal
      yield* journal.claim("a", 0)
      yield* journal.claim("a", 1)
      yield* journal.claim("b", 2)
      assert.isTrue(yield* journal.isPending("a", 0))
      assert.isFalse(yield* journal.isPending("a", 1))
      assert.isFalse(yield* journal.isPending("c", 3))
      yield* journal.finish("a", `"A"`)
      yield* journal.fail("b", `"no"`)
      assert.isFalse(yield* journal.isPending("a", 0))
      assert.isTrue(yield* journal.isPending("b", 2))
    }).pipe(Effect.provide(runInMemory))
  )

  it.effect("are kept with their error when they fail", () =>
    Effect.gen(function* () {
      const journal = yield* Journal
      yield* journal.claim("a", 0)
      yield* journal.claim("b", 1)
      yield* journal.fail("b", `"no"`)
      yield* journal.fail("a", `"never"`)
      assert.deepStrictEqual(yield* Stream.runCollect(journal.failures), [
        { key: "a", error: `"never"` },
        { key: "b", error: `"no"` }
      ])
      assert.deepStrictEqual(yield* journal.counts, { done: 0, failed: 2, pending: 0 })
    }).pipe(Effect.provide(runInMemory))
  )

  it.effect("cannot be finished before they are claimed", () =>
    Effect.gen(function* () {
      const journal = yield* Journal
      const exit = yield* Effect.exit(journal.finish("a", `"A"`))
      assert.isTrue(Exit.isFailure(exit) && String(exit.cause).includes("row a was never claimed"))
    }).pipe(Effect.provide(runInMemory))
  )

  it.effect("come out whole when there are more of them than fit in one page", () =>
    Effect.gen(function* () {
      const journal = yield* Journal
      const ordinals = Array.from({ length: 1000 }, (_, ordinal) => ordinal)
      yield* Effect.forEach(ordinals, (ordinal) => journal.claim(`row ${ordinal}`, ordinal))
      yield* Effect.forEach(ordinals.toReversed(), (ordinal) => journal.finish(`row ${ordinal}`, `${ordinal}`))
      assert.deepStrictEqual((yield* Stream.runCollect(journal.outputs)).map(Number), ordinals)
    }).pipe(Effect.provide(runInMemory))
  )
})

describe("the next run", () => {
  it.effect("finds what is done done, and the rest pending", () =>
    Effect.gen(function* () {
      yield* Effect.gen(function* () {
        const journal = yield* Journal
        for (const [ordinal, key] of ["done", "failed", "unfinished"].entries()) yield* journal.claim(key, ordinal)
        yield* journal.finish("done", `"first"`)
        yield* journal.fail("failed", `"no"`)
      }).pipe(Effect.provide(run))

      yield* Effect.gen(function* () {
        const journal = yield* Journal
        assert.deepStrictEqual(yield* journal.counts, { done: 0, failed: 0, pending: 0 })
        assert.strictEqual(yield* journal.claim("failed", 0), "pending")
        assert.strictEqual(yield* journal.claim("new", 1), "pending")
        assert.strictEqual(yield* journal.claim("done", 2), "done")
        assert.strictEqual(yield* journal.claim("unfinished", 3), "pending")
        assert.isTrue(yield* journal.isPending("failed", 0))
        assert.isFalse(yield* journal.isPending("done", 2))
        assert.deepStrictEqual(yield* journal.counts, { done: 1, failed: 0, pending: 3 })
        yield* journal.finish("failed", `"second"`)
        assert.deepStrictEqual(yield* Stream.runCollect(journal.outputs), [`"second"`, `"first"`])
        assert.deepStrictEqual(yield* Stream.runCollect(journal.failures), [])
      }).pipe(Effect.provide(run))
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect("does not put out rows that its input no longer has, but the state keeps them", () =>
    Effect.gen(function* () {
      yield* runOf([
        ["a", "finish"],
        ["b", "finish"]
      ])
      const second = yield* runOf([["b", "leave"]])
      assert.deepStrictEqual(second.outputs, ["b in run 0"])
      const third = yield* runOf([
        ["a", "leave"],
        ["b", "leave"]
      ])
      assert.deepStrictEqual(third.outputs, ["a in run 0", "b in run 0"])
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect.prop(
    "agrees with a journal on paper, whatever happened in the runs before",
    [Schema.Array(Schema.Array(Row))],
    ([runs]) =>
      Effect.gen(function* () {
        const finished = new Map<string, string>()
        for (const [number, rows] of runs.entries()) {
          const expected = onPaper(number, rows, finished)
          assert.deepStrictEqual(yield* runOf(rows, number), expected)
        }
      }).pipe(Effect.provide(Sqlite.layerMemory)),
    { arbitrary: { runs: 100 } }
  )

  it.effect("finds everything in the file", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const file = Sqlite.layer({ path: join(directory, "state.sqlite") })
      yield* runOf([["a", "finish"]]).pipe(Effect.provide(file))
      const second = yield* runOf([["a", "finish"]]).pipe(Effect.provide(file))
      assert.deepStrictEqual(second.claims, ["done"])
    })
  )
})

describe("whose answers a state holds", () => {
  it.effect("is told by the first answer; those of the other kind are not stored", () =>
    Effect.gen(function* () {
      const journal = yield* Journal
      yield* journal.claim("nobody was asked", 0)
      yield* journal.claim("a", 1)
      yield* journal.claim("b", 2)
      yield* journal.finish("nobody was asked", `"N"`)
      assert.isFalse(yield* journal.emulated)
      yield* journal.finish("a", `"A"`, true)
      assert.isTrue(yield* journal.emulated)
      const error = yield* Effect.flip(journal.finish("b", `"B"`, false))
      assert.strictEqual(
        error.message,
        "the state holds the emulator's answers, not Claude's, and the two never mix; " +
          "use another --state and --output, or move both away; and another --cache, where that answered"
      )
      assert.deepStrictEqual(yield* Stream.runCollect(journal.outputs), [`"N"`, `"A"`])
    }).pipe(Effect.provide(runInMemory))
  )

  it.effect("is known to the next run, which is refused where it says that somebody else will answer", () =>
    Effect.gen(function* () {
      const opened = (emulated?: boolean) => Effect.provide(Journal, layer({ ...tickets, emulated }))
      for (const emulated of [true, false]) {
        yield* Effect.gen(function* () {
          yield* runOf([["a", "finish"]], 0, emulated)
          const error = yield* Effect.flip(opened(!emulated))
          assert.instanceOf(error, JournalMixed)
          assert.deepInclude(error, { emulated })
          for (const same of [undefined, emulated]) assert.strictEqual(yield* (yield* opened(same)).emulated, emulated)
        }).pipe(Effect.provide(Sqlite.layerMemory))
      }
    })
  )

  it.effect("is told by nobody who only says that he will answer", () =>
    Effect.gen(function* () {
      yield* runOf([["a", "fail"]], 0, true)
      assert.isFalse(yield* (yield* Effect.provide(Journal, begun({ ...tickets, emulated: true }))).emulated)
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect("is forgotten where nothing is done", () =>
    Effect.gen(function* () {
      yield* Effect.provide(Journal, begun({ ...tickets, emulated: true }))
      yield* runOf([["a", "finish"]], 0, false)
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )
})

describe("a state", () => {
  it.effect("is refused to another job, with the differences in words", () =>
    Effect.gen(function* () {
      const shape = { model: "claude-haiku-4-5", steps: [{ name: "sort" }], prompt: "Sort it. ".repeat(10), seed: 1 }
      const path = join(yield* folder, "state.sqlite")
      const opened = (job: string, now: Schema.Json) =>
        Effect.provide(Journal, Layer.provide(begun({ job, shape: now }), Sqlite.layer({ path })))
      yield* Effect.provide(
        Effect.flatMap(Journal, (journal) => Effect.andThen(journal.claim("a", 0), journal.finish("a", `"A"`))),
        Layer.provide(begun({ job: "tickets", shape }), Sqlite.layer({ path }))
      )
      yield* opened("tickets", { seed: 1, prompt: shape.prompt, steps: shape.steps, model: shape.model })

      const prompt = "Order it. ".repeat(10)
      const error = yield* Effect.flip(
        opened("letters", { model: "claude-opus-5-5", steps: [{ name: "sort" }, { name: "send" }], prompt })
      )
      assert.instanceOf(error, JournalMismatch)
      assert.strictEqual(
        error.message,
        `${path} was made by another job, or by an earlier form of this one: job was "tickets" and is "letters", ` +
          `seed was 1 and is absent, prompt has changed, ` +
          `model was "claude-haiku-4-5" and is "claude-opus-5-5", steps.1.name was absent and is "send"; ` +
          "use another --state and --output, or move both away"
      )
      assert.notInclude(error.message, "Sort it.")
    })
  )

  it.effect("in which nothing is done yet is that of any job", () =>
    Effect.gen(function* () {
      yield* runOf([["a", "fail"]])
      yield* Effect.provide(Journal, begun({ job: "letters", shape: null }))
      yield* runOf([["a", "finish"]])
      assert.instanceOf(
        yield* Effect.flip(Effect.provide(Journal, layer({ job: "letters", shape: null }))),
        JournalMismatch
      )
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect("is left as it was when the run does not begin, which fails as its claims did", () =>
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
        const begin = Journal.use((journal) => journal.begin(Effect.andThen(journal.claim("b", 0), claim)))
        assert.deepStrictEqual(yield* failureOf(Effect.provide(begin, layer(tickets))), yield* failureOf(claim))
        assert.deepStrictEqual(yield* everything, before)
      }
      assert.deepStrictEqual((yield* runOf([["a", "leave"]])).claims, ["done"])
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect("is left as it was when it is refused", () =>
    Effect.gen(function* () {
      yield* runOf([["a", "finish"]])
      yield* Effect.flip(Effect.provide(Journal, layer({ job: "letters", shape: null })))
      assert.deepStrictEqual((yield* runOf([["a", "leave"]])).claims, ["done"])
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect.each([
    ["taken for Claude's, where it does not say", { model: "claude-haiku-4-5" }, false],
    ["the emulator's, where it says so", { model: "claude-haiku-4-5", answers: "emulator" }, true]
  ] as const)("of version 1 goes on, with answers that are %s", ([, shape, emulated]) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`CREATE TABLE journal (version INTEGER, job TEXT, shape TEXT, run INTEGER)`
      yield* sql`CREATE TABLE journal_rows
        (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, run INTEGER NOT NULL, ordinal INTEGER NOT NULL)`
      yield* sql`CREATE TABLE journal_results
        (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, done INTEGER NOT NULL, value TEXT NOT NULL)`
      yield* sql`INSERT INTO journal VALUES (1, 'tickets', ${JSON.stringify(shape)}, 1)`
      yield* sql`INSERT INTO journal_rows VALUES (1, 'a', 1, 0)`
      yield* sql`INSERT INTO journal_results VALUES (1, 1, 1, 'A')`
      assert.instanceOf(
        yield* Effect.flip(Effect.provide(Journal, layer({ ...tickets, job: "letters" }))),
        JournalMismatch
      )
      const other = yield* Effect.flip(Effect.provide(Journal, layer({ ...tickets, emulated: !emulated })))
      assert.instanceOf(other, JournalMixed)
      const [again, once] = [
        yield* Effect.provide(Journal, layer(tickets)),
        yield* Effect.provide(Journal, begun(tickets))
      ]
      assert.deepStrictEqual([yield* again.emulated, yield* once.emulated], [emulated, emulated])
      assert.strictEqual(yield* once.claim("a", 0), "done")
      assert.deepStrictEqual(yield* sql`SELECT version, run, emulated FROM journal`, [
        { version: 2, run: 2, emulated: emulated ? 1 : 0 }
      ])
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect("is refused when it is newer than this version", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`CREATE TABLE journal (version INTEGER, tale TEXT)`
      yield* sql`INSERT INTO journal VALUES (3, 'of another layout')`
      const error = yield* Effect.flip(Effect.provide(Journal, run))
      assert.instanceOf(error, JournalTooNew)
      assert.strictEqual(
        error.message,
        "the state was written by a newer effect-claude: its format is 3, and 2 the newest known here; " +
          "update effect-claude, or use another --state and --output"
      )
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect("that another program made is refused", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`CREATE TABLE journal (entry TEXT)`
      yield* sql`INSERT INTO journal VALUES ('Dear diary')`
      const error = yield* Effect.flip(Effect.provide(Journal, run))
      assert.instanceOf(error, JournalFailed)
      assert.notInclude(error.message, "diary")
    }).pipe(Effect.provide(Sqlite.layerMemory))
  )

  it.effect("names the file when the disk is full, and keeps what is finished", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "state.sqlite")
      yield* Effect.gen(function* () {
        const journal = yield* Journal
        yield* journal.claim("a", 0)
        yield* journal.finish("a", `"A"`)
        yield* journal.claim("b", 1)
        const sql = yield* SqlClient
        yield* sql`PRAGMA max_page_count = 8`
        const error = yield* Effect.flip(journal.finish("b", JSON.stringify("B".repeat(100_000))))
        assert.strictEqual(
          error.message,
          `the journal failed: ${path}: database or disk is full; make room on the disk, and run again: what is stored stays`
        )
        assert.deepStrictEqual(yield* journal.counts, { done: 1, failed: 0, pending: 1 })
      }).pipe(Effect.provide(Layer.provideMerge(run, Sqlite.layer({ path }))))
    })
  )
})

/** A run that has begun. */
const begun = (options: Parameters<typeof layer>[0]) =>
  Layer.effect(
    Journal,
    Effect.tap(Journal, (journal) => journal.begin(Effect.void))
  ).pipe(Layer.provide(layer(options)))

const tickets = { job: "tickets", shape: { model: "claude-haiku-4-5" } }
const run = begun(tickets)
const runInMemory = Layer.provide(run, Sqlite.layerMemory)

/** One run over the rows: what each claim said, and what the journal says at the end. */
const runOf = (rows: ReadonlyArray<Row>, number = 0, emulated = false) =>
  Effect.gen(function* () {
    const journal = yield* Journal
    const claims = yield* Effect.forEach(rows, ([key, action], ordinal) =>
      journal.claim(key, ordinal).pipe(
        Effect.tap((claim) => {
          if (claim !== "pending" || action === "leave") return Effect.void
          return action === "finish"
            ? journal.finish(key, `${key} in run ${number}`, emulated)
            : journal.fail(key, "no")
        })
      )
    )
    const outputs = yield* Stream.runCollect(journal.outputs)
    const failures = (yield* Stream.runCollect(journal.failures)).map(({ key }) => key)
    return { claims, outputs, failures, counts: yield* journal.counts }
  }).pipe(Effect.provide(run))

/** What `runOf` must give; `finished` goes from run to run. */
const onPaper = (number: number, rows: ReadonlyArray<Row>, finished: Map<string, string>) => {
  const actions = new Map<string, string>()
  const claims = rows.map(([key, action]) => {
    if (actions.has(key)) return "duplicate"
    actions.set(key, action)
    if (finished.has(key)) return "done"
    if (action === "finish") finished.set(key, `${key} in run ${number}`)
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
  return { claims, outputs, failures, counts }
}

const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => Exit.isFailure(exit) && Cause.squash(exit.cause))

/** All rows of all tables. */
const everything = SqlClient.use((sql) =>
  Effect.all([sql`SELECT * FROM journal`, sql`SELECT * FROM journal_rows`, sql`SELECT * FROM journal_results`])
)

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "journal-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)
