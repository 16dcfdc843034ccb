import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Event, ClaudeError, Concurrency, Dataset, Job, Journal, Redact, Step } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { BigDecimal, Deferred, Effect, Fiber, FileSystem, Schema, Stream } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { calls, greetings, inFolder, names, notYou, overloaded, people, Person } from "./jobs.ts"

describe("Job.run", () => {
  it.effect("runs every row, and writes each result with its key in the order of the input", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(["Ann", "Bob"]))
        const { cost: _, ...counts } = summary
        const nothing = { failed: 0, pending: 0, invalid: 0, problems: [], emulated: false, stopped: undefined }
        assert.deepStrictEqual(counts, { total: 2, done: 2, failuresFile: undefined, inputChanged: false, ...nothing })
        assert.deepStrictEqual(yield* files.lines, ['{"key":"Ann","value":"hi"}', '{"key":"Bob","value":"hi"}'])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("sends nothing for rows that an earlier run finished", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann", "Bob"]), { limit: 1 })
        yield* files.run(greetings(["Ann", "Bob"]))
        assert.deepInclude(yield* files.run(greetings(["Ann", "Bob"])), { done: 2, stopped: undefined })
        assert.strictEqual((yield* calls).length, 2)
        assert.strictEqual((yield* files.lines).length, 2)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("stops at the limit", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(["Ann", "Bob", "Cid"]), { limit: 2 })
        assert.deepInclude(summary, { total: 3, done: 2, stopped: "limit" })
        assert.deepInclude(yield* files.run(greetings(["Ann", "Bob", "Cid"]), { limit: 2 }), {
          done: 3,
          stopped: undefined
        })
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("takes only the rows that `where` selects, and leaves the others pending", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = greetings(["Ann", "Bob", "Cid"])
        const summary = yield* files.run(job, { where: ({ name }) => name > "B", limit: 1 })
        assert.deepInclude(summary, { done: 1, pending: 2, stopped: "limit" })
        assert.deepInclude(yield* files.run(job, { where: ({ name }) => name > "B" }), {
          done: 2,
          stopped: "selection"
        })
        assert.deepStrictEqual(yield* TestClaude.prompts, ["Greet Bob.", "Greet Cid."])
        assert.deepInclude(yield* files.run(job), { done: 3, stopped: undefined })
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("takes the same sample of rows in every run", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = greetings(names(100))
        assert.deepInclude(yield* files.run(job, { sample: 5 }), { done: 5, pending: 95, stopped: "selection" })
        assert.deepInclude(yield* files.run(job, { sample: 5 }), { done: 5 })
        assert.deepInclude(yield* files.run(job, { sample: 10 }), { done: 10 })
        assert.lengthOf(yield* calls, 10)
        const { done } = yield* files.run(job, { sample: 10, where: ({ name }) => name.endsWith("7") })
        assert.isAbove(done, 10)
        assert.lengthOf(new Set(yield* TestClaude.prompts), done)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("stops after `maxFailures` rows have failed, and lists them", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(names(50)), { maxFailures: 3, concurrency: 1 })
        assert.deepInclude(summary, { done: 0, failed: 3, pending: 47, stopped: "failures" })
        assert.lengthOf(summary.problems, 3)
      })
    ).pipe(Effect.provide(TestClaude.layer(notYou)))
  )

  it.effect("takes only the rows that failed before, where that is asked for", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = greetings(["Ann", "Bob", "Cid"])
        assert.deepInclude(yield* files.run(job, { limit: 2 }), { done: 1, failed: 1, pending: 1 })
        const retried = yield* files.run(job, { only: "failed" })
        assert.deepInclude(retried, { done: 2, failed: 0, pending: 1, stopped: "selection" })
        assert.deepStrictEqual(yield* TestClaude.prompts, ["Greet Ann.", "Greet Bob.", "Greet Bob."])
      })
    ).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/Bob/, [notYou, "hi"]), "hi")))
  )

  it.effect("reports the cost of this run and of all runs", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = greetings(["Ann", "Bob"])
        const priced = { content: ["hi"], usage: { input_tokens: 1_000_000, output_tokens: 0 } }
        const claude = TestClaude.layer(priced)
        yield* Effect.provide(files.run(job, { limit: 1 }), claude)
        const { cost } = yield* Effect.provide(files.run(job), claude)
        assert.deepStrictEqual(
          [cost.run, cost.all].map(({ calls, cost }) => [calls, BigDecimal.format(cost)]),
          [
            [1, "2"],
            [2, "4"]
          ]
        )
      })
    )
  )

  it.effect("keeps the other rows when one fails, reports its key and reason, and tries it again in the next run", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const first = yield* files.run(greetings(["Ann", "Bob"]))
        assert.deepInclude(first, { done: 1, failed: 1 })
        assert.deepStrictEqual(first.problems, ["Bob: InvalidRequest: not you; change the request"])
        const second = yield* files.run(greetings(["Ann", "Bob"]))
        assert.deepInclude(second, { done: 2, failed: 0, problems: [] })
      })
    ).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/Bob/, [notYou, "hi"]), "hi")))
  )

  it.effect("stores and reports the failures of rows as the program's own redactor leaves them", () => {
    const step = Step.make("ward", ({ name }: typeof Person.Type) => Effect.fail(new NoBed({ patient: name })))
    return inFolder((files) =>
      Effect.gen(function* () {
        const failing = (count: number) => Job.make({ ...greetings(names(count)), step })
        const one = yield* files.run(failing(1))
        assert.deepStrictEqual(one.problems, [`person 0: no bed for {"patient": "[redacted]"}`])
        const { stopped } = yield* files.run(failing(20))
        assert.instanceOf(stopped, Job.JobHopeless)
        assert.include(stopped.message, `no bed for {"patient": "[redacted]"}`)
      })
    ).pipe(
      Effect.provideService(Redact.Redactor, Redact.make({ fields: ["patient"] })),
      Effect.provide(TestClaude.layer("hi"))
    )
  })

  it.effect("counts a bug in a step as a failed row", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const buggy = Step.make("buggy", () => Effect.sync((): string => JSON.parse("{")))
        const { problems } = yield* files.run(Job.make({ ...greetings(["Ann"]), step: buggy }))
        assert.match(problems[0] ?? "", /^Ann: .*JSON/)
      })
    ).pipe(Effect.provide(TestClaude.layer()))
  )

  it.effect("stops if the key is refused, and leaves the rows pending, not failed", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(names(50)), { concurrency: 4 })
        assert.deepInclude(summary, { total: 50, done: 0, failed: 0 })
        assert.include(summary.stopped, { isRetryable: false })
        assert.isAtMost((yield* calls).length, 5)
      })
    ).pipe(Effect.provide(TestClaude.layer(new ClaudeError.Unauthenticated({ detail: "invalid x-api-key" }))))
  )

  it.effect("stops in an outage, after 16 consecutive retryable failures, and leaves those rows pending", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(names(50)), { concurrency: 4 })
        assert.deepInclude(summary, { total: 50, done: 1, failed: 0, pending: 49, problems: [] })
        assert.include(summary.stopped, {
          message: "16 consecutive rows failed alike: Overloaded: busy; try again later"
        })
        assert.isAtMost((yield* calls).length, 1 + 16 + 3)
      })
    ).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/person 0/, "hi"), overloaded)))
  )

  it.effect("continues when fewer than 16 consecutive rows fail alike, and counts them as failed", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(names(40)), { concurrency: 1 })
        assert.deepInclude(summary, { done: 2, failed: 38, pending: 0, stopped: undefined })
        assert.strictEqual(summary.problems[0], "person 0: Overloaded: busy; try again later")
      })
    ).pipe(
      Effect.provide(
        TestClaude.layer(
          TestClaude.when(/person 15/, "hi"),
          TestClaude.when(/person 30/, notYou),
          TestClaude.when(/person 31/, "hi"),
          overloaded
        )
      )
    )
  )

  it.effect("reports an input that can be read only once", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const rows = [{ name: "Ann" }, { name: "Bob" }].values()
        const source = Dataset.fromIterable("people", Person, rows)
        const summary = yield* files.run(Job.make({ ...greetings([]), source }))
        assert.deepInclude(summary, { total: 2, done: 0, pending: 2, stopped: "input" })
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("reports a row whose key cannot be computed, with its place, and runs the others", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const key = ({ name }: typeof Person.Type): string => (name === "Bob" ? JSON.parse("{") : name)
        const summary = yield* files.run(Job.make({ ...greetings(["Ann", "Bob", "Cid"]), key }))
        assert.deepInclude(summary, { total: 3, done: 2, invalid: 1, pending: 0 })
        assert.match(summary.problems[0] ?? "", /^people row 2: its key cannot be computed: .*JSON/)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("reports invalid rows and repeated keys, and runs the others", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = Job.make({
          ...greetings([]),
          source: Dataset.fromIterable("people", Person, [{ name: "Ann" }, { name: 7 }, { name: "Ann" }])
        })
        const summary = yield* files.run(job)
        assert.deepInclude(summary, { total: 3, done: 1, invalid: 2 })
        assert.match(summary.problems[0] ?? "", /^people row 2: .*name/)
        assert.match(summary.problems[1] ?? "", /^people row 3: row 1 has the key "Ann" too; make keys unique/)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("sends nothing when the output cannot be written, and leaves no state behind", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* FileSystem.FileSystem.use((fs) => fs.makeDirectory(files.output))
        const error = yield* Effect.flip(files.run(greetings(["Ann"])))
        assert.include(error.message, files.output)
        assert.deepStrictEqual(yield* calls, [])
        assert.deepStrictEqual(yield* files.names, ["out.jsonl"])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("leaves no state and no output when reading the input fails", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const broken = { ...people(["Ann"]), pages: Stream.concat(people(["Ann"]).pages, Stream.die("no more")) }
        yield* Effect.exit(files.run(Job.make({ ...greetings([]), source: broken })))
        assert.deepStrictEqual(yield* files.names, [])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("leaves the state unchanged if the input is missing", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann", "Bob"]), { limit: 1 })
        const before = yield* files.rows
        const source = Dataset.fromFile(Person, files.path("nowhere.jsonl"))
        const error = yield* Effect.flip(files.run(Job.make({ ...greetings([]), source })))
        assert.match(error.message, /nowhere\.jsonl: there is no such file/)
        assert.deepStrictEqual(yield* files.rows, before)
        assert.deepInclude(yield* files.run(greetings(["Ann", "Bob"])), { done: 2 })
        assert.strictEqual((yield* calls).length, 2)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("never overwrites its input, not even through a link", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const input = files.path("people.jsonl")
        yield* fs.writeFileString(input, '{"name":"Ann"}\n')
        yield* fs.symlink(input, files.path("link.jsonl"))
        const job = Job.make({ ...greetings([]), source: Dataset.fromFile(Person, input) })
        for (const output of [input, files.path("link.jsonl")]) {
          const error = yield* Effect.flip(files.run(job, { output }))
          assert.instanceOf(error, Job.DestinationTaken)
          assert.strictEqual(error.message, `${output}: this is the input; write the output to another file`)
        }
        assert.strictEqual(yield* fs.readFileString(input), '{"name":"Ann"}\n')
        assert.deepStrictEqual(yield* calls, [])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("never overwrites its input with the file of failed rows", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const input = files.path("people.failures.jsonl")
        yield* fs.writeFileString(input, '{"name":"Ann"}\n')
        const job = Job.make({ ...greetings([]), source: Dataset.fromFile(Person, input) })
        const error = yield* Effect.flip(files.run(job, { output: files.path("people.jsonl") }))
        assert.instanceOf(error, Job.DestinationTaken)
        assert.match(error.message, /this is the input; the failed rows are written next to the output/)
        assert.strictEqual(yield* fs.readFileString(input), '{"name":"Ann"}\n')
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("refuses an output with lines that the state does not know, and keeps them", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        yield* fs.writeFileString(files.output, "mine\n")
        const error = yield* Effect.flip(files.run(greetings(["Ann"])))
        assert.instanceOf(error, Dataset.DatasetFailed)
        assert.match(
          error.message,
          /out\.jsonl: .*lines that this state does not know; move it away, or write the output to another file/
        )
        assert.strictEqual(yield* fs.readFileString(files.output), "mine\n")
        assert.deepStrictEqual(yield* calls, [])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("refuses to write the rows again under other keys", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann", "Bob"]))
        const other = Job.make({ ...greetings(["Ann", "Bob"]), key: ({ name }) => `person ${name}` })
        const { message } = yield* Effect.flip(files.run(other))
        assert.match(
          message,
          /out\.jsonl: has lines of rows whose keys the input does not have: the key of the job has/
        )
        assert.lengthOf(yield* calls, 2)
        assert.deepInclude(yield* files.run(greetings(["Ann", "Bob"])), { done: 2 })
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("refuses results with a field named key", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const output = Schema.Struct({ key: Schema.String })
        const step = Step.make("entry", ({ name }: typeof Person.Type) => Effect.succeed({ key: name }))
        const error = yield* Effect.flip(files.run(Job.make({ ...greetings(["Ann"]), step, output })))
        assert.instanceOf(error, Dataset.DatasetFailed)
        assert.match(error.message, /out\.jsonl: .*"key".*rename that field/)
        yield* files.run(greetings(["Ann"]))
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("stops when the state becomes unwritable, and reports the finished rows", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const fill = Effect.as(sql`PRAGMA max_page_count = 1`, "x".repeat(100_000))
        const step = Step.make("fill", ({ name }: typeof Person.Type) =>
          name === "Ann" ? Effect.succeed("hi") : Effect.orDie(fill)
        )
        const summary = yield* files.runHere(Job.make({ ...greetings(["Ann", "Bob"]), step }), { concurrency: 1 })
        assert.deepInclude(summary, { done: 1, pending: 1 })
        assert.instanceOf(summary.stopped, Job.JobBroken)
        assert.match(String(summary.stopped), /database or disk is full; make room/)
      }).pipe(Effect.provide(files.state))
    ).pipe(Effect.provide(TestClaude.layer()))
  )

  it.effect("stops when the output becomes unwritable, and reports the finished rows", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const inTheWay = FileSystem.FileSystem.use((fs) => Effect.as(fs.makeDirectory(`${files.output}.tmp`), "hi"))
        const step = Step.make("block", () => Effect.orDie(Effect.provide(inTheWay, NodeServices.layer)))
        const summary = yield* files.run(Job.make({ ...greetings(["Ann"]), step }))
        assert.deepInclude(summary, { done: 1, pending: 0 })
        assert.match(String(summary.stopped), /out\.jsonl: this is a folder/)
      })
    ).pipe(Effect.provide(TestClaude.layer()))
  )

  it.effect("stops when a line cannot be written, and writes it in the next run without asking again", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        yield* fs.symlink("/dev/full", files.output)
        const first = yield* files.run(greetings(names(20)), { concurrency: 1 })
        assert.instanceOf(first.stopped, Job.JobBroken)
        assert.match(String(first.stopped), /out\.jsonl: there is no space left on the disk; make room/)
        assert.deepInclude(first, { done: 1, failed: 0, pending: 19 })
        yield* fs.remove(files.output)
        assert.deepInclude(yield* files.run(greetings(names(20))), { done: 20, stopped: undefined })
        assert.lengthOf(yield* files.lines, 20)
        assert.lengthOf(yield* calls, 20)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("fails with JobBroken when the state becomes unreadable", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const step = Step.make("drop", () => Effect.orDie(Effect.as(sql`DROP TABLE effect_claude_runs`, "hi")))
        const error = yield* Effect.flip(files.runHere(Job.make({ ...greetings(["Ann"]), step })))
        assert.instanceOf(error, Job.JobBroken)
        assert.match(error.message, /^the run broke off: .*no such table/)
      }).pipe(Effect.provide(files.state))
    ).pipe(Effect.provide(TestClaude.layer()))
  )

  it.effect("keeps an answer that arrived before the interruption", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const arrived = yield* Deferred.make<void>()
        const fiber = yield* files.run(greetings(["Ann", "Bob"])).pipe(
          Event.listen((event) =>
            event._tag === "row-finished" ? Effect.asVoid(Deferred.succeed(arrived, undefined)) : Effect.void
          ),
          Effect.forkChild
        )
        yield* Deferred.await(arrived)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* files.lines, ['{"key":"Ann","value":"hi"}'])
      })
    ).pipe(
      Effect.provide(
        TestClaude.layer(
          TestClaude.when(/Bob/, () => Effect.never),
          "hi"
        )
      )
    )
  )

  it.effect("runs twice as many rows at once as the capacity of Claude", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        let running = 0
        let most = 0
        const step = Step.make("count", () =>
          Effect.gen(function* () {
            most = Math.max(most, ++running)
            yield* Effect.yieldNow
            running -= 1
            return "ok"
          })
        )
        yield* files.run(Job.make({ ...greetings(names(100)), step }))
        assert.strictEqual(most, 6)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi").pipe(Concurrency.policy(3))))
  )

  it.effect("does not open the state of a job with another output schema", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann"]))
        const output = Schema.Trimmed.annotate({ description: "A greeting" })
        const error = yield* Effect.flip(files.run(Job.make({ ...greetings(["Ann"]), output })))
        assert.instanceOf(error, Job.JobChanged)
        assert.match(
          error.message,
          /output\.schema\.description was absent and is "A greeting"; run with changed "keep"/
        )
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("keeps the rows of several jobs in one state, with one output each", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann"]))
        const farewells = Job.make({ ...greetings(["Ann", "Bob"]), name: "farewells" })
        const error = yield* Effect.flip(files.run(farewells))
        assert.match(error.message, /out\.jsonl: .*lines that this state does not know/)
        assert.deepInclude(yield* files.run(farewells, { output: files.path("farewells.jsonl") }), { done: 2 })
        assert.deepInclude(yield* files.run(greetings(["Ann"])), { total: 1, done: 1 })
        assert.strictEqual((yield* calls).length, 3)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("restores missing lines of the output from the state before it runs more rows", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        yield* files.run(greetings(["Ann", "Bob", "Cid"]), { limit: 2 })
        const before = yield* files.lines
        for (const left of ["", '{"key":"Ann","value":"hi"}\n', '{"key":"Ann","value":"hi"}\n{"key":"Bo']) {
          yield* fs.writeFileString(files.output, left)
          const asked = yield* Deferred.make<void>()
          const step = Step.make("greet", ({ name }: typeof Person.Type) =>
            name === "Cid" ? Effect.andThen(Deferred.succeed(asked, undefined), Effect.never) : Effect.succeed("hi")
          )
          const fiber = yield* Effect.forkChild(files.run(Job.make({ ...greetings(["Ann", "Bob", "Cid"]), step })))
          yield* Deferred.await(asked)
          assert.deepStrictEqual(yield* files.lines, before)
          yield* Fiber.interrupt(fiber)
        }
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("writes the whole output once, at its end", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        let written = 0
        const counting = (journal: Journal.Journal["Service"]) => ({
          ...journal,
          outputs: Stream.suspend(() => {
            written += 1
            return journal.outputs
          })
        })
        for (const limit of [1, 1, 5]) {
          written = 0
          yield* Effect.provide(files.runHere(greetings(["Ann", "Bob", "Cid"]), { limit }, counting), files.state)
          assert.strictEqual(written, 1)
        }
        assert.lengthOf(yield* files.lines, 3)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("stops when a result cannot be stored, and counts no row as failed", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const full = new Journal.JournalFailed({ detail: "disk full" })
        const failing = (journal: Journal.Journal["Service"]) => ({ ...journal, finish: () => Effect.fail(full) })
        const first = yield* files.runHere(greetings(names(20)), { concurrency: 4 }, failing)
        assert.deepInclude(first, { done: 0, failed: 0, pending: 20, problems: [] })
        assert.include(first.stopped, { message: "the run broke off: the journal failed: disk full" })
        assert.isAtMost((yield* calls).length, 8)
        assert.deepInclude(yield* files.runHere(greetings(names(20))), { done: 20, failed: 0, pending: 0 })
      }).pipe(Effect.provide(files.state))
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("stops when an error cannot be stored, and counts no row as failed", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const full = new Journal.JournalFailed({ detail: "disk full" })
        const failing = (journal: Journal.Journal["Service"]) => ({ ...journal, fail: () => Effect.fail(full) })
        const summary = yield* files.runHere(greetings(["Ann", "Bob"]), {}, failing)
        assert.deepInclude(summary, { done: 0, failed: 0, pending: 2 })
        assert.instanceOf(summary.stopped, Job.JobBroken)
      }).pipe(Effect.provide(files.state))
    ).pipe(Effect.provide(TestClaude.layer(notYou)))
  )

  it.effect("runs many rows at once in later runs too, with or without a limit", () => {
    let running = 0
    let most = 0
    const counting = Step.make("count", () =>
      Effect.gen(function* () {
        most = Math.max(most, ++running)
        yield* Effect.yieldNow
        running -= 1
        return "ok"
      })
    )
    return inFolder((files) =>
      Effect.gen(function* () {
        const job = Job.make({ ...greetings(names(30)), step: counting })
        for (const done of [5, 10]) {
          most = 0
          assert.deepInclude(yield* files.run(job, { limit: 5 }), { done })
          assert.strictEqual(most, 5)
        }
      })
    ).pipe(Effect.provide(TestClaude.layer()))
  })

  it.effect("distinguishes unusual keys, or refuses them with their row", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const long = "x".repeat(10_000)
        const keys = ["", " ", "1", "01", "a\nb", "a b", "\u001b[31m", "caf\u00e9", "cafe\u0301"]
        const odd = ["__proto__", "constructor", long, `${long}y`, "null", "\ud83d", "a\u0000b", "a"]
        const job = greetings([...keys, ...odd])
        for (let run = 1; run <= 2; run++) {
          const { invalid, problems, total, done } = yield* files.run(job)
          assert.deepStrictEqual({ total, done, invalid }, { total: 17, done: 15, invalid: 2 })
          assert.match(problems[0] ?? "", /^people row 15: its key has half a character/)
          assert.match(problems[1] ?? "", /^people row 16: its key has the character U\+0000/)
        }
        const written = (yield* files.lines).map((line) => JSON.parse(line).key)
        assert.deepStrictEqual(written, [...keys, ...odd.slice(0, 5), "a"])
        assert.lengthOf(yield* calls, 15)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )
})

class NoBed extends Schema.TaggedError<NoBed>()("NoBed", { patient: Schema.String }) {
  override get message() {
    return `no bed for {"patient": "${this.patient}"}`
  }
}
