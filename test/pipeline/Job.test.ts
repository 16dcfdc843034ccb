import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import {
  Event,
  type Claude,
  ClaudeError,
  Concurrency,
  Dataset,
  Job,
  Journal,
  ResponseCache,
  Step,
  Telemetry
} from "effect-claude"
import { Sqlite } from "effect-claude/node"
import { Emulator, TestClaude } from "effect-claude/testing"
import {
  Array as Arr,
  Cause,
  Deferred,
  Effect,
  Fiber,
  FileSystem,
  Layer,
  Path,
  Schema,
  Stream,
  type Tracer
} from "effect"
import { SqlClient } from "effect/sql/SqlClient"

describe("Job", () => {
  it.effect("runs every row, and writes the results in the order of the input with the key of each row", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(["Ann", "Bob"]))
        const nothing = { failed: 0, pending: 0, invalid: 0, problems: [], emulated: false, stopped: undefined }
        assert.deepStrictEqual(summary, { total: 2, done: 2, ...nothing })
        assert.deepStrictEqual(yield* files.lines, ['{"key":"Ann","value":"hi"}', '{"key":"Bob","value":"hi"}'])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("asks for nothing again that an earlier run finished", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann", "Bob"]), { limit: 1 })
        yield* files.run(greetings(["Ann", "Bob"]))
        yield* files.run(greetings(["Ann", "Bob"]))
        assert.strictEqual((yield* calls).length, 2)
        assert.strictEqual((yield* files.lines).length, 2)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("stops at the limit and says so", () =>
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

  it.effect("keeps the other rows when one fails, names it with its reason, and tries it again in the next run", () =>
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

  it.effect("counts a bug in a step as a failed row", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const buggy = Step.make("buggy", () => Effect.sync((): string => JSON.parse("{")))
        const { problems } = yield* files.run(Job.make({ ...greetings(["Ann"]), step: buggy }))
        assert.match(problems[0] ?? "", /^Ann: .*JSON/)
      })
    ).pipe(Effect.provide(TestClaude.layer()))
  )

  it.effect("stops when the key is refused, and leaves the rows pending, not failed", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(names(50)), { concurrency: 4 })
        assert.deepInclude(summary, { total: 50, done: 0, failed: 0 })
        assert.include(summary.stopped, { isRetryable: false })
        assert.isAtMost((yield* calls).length, 5)
      })
    ).pipe(Effect.provide(TestClaude.layer(new ClaudeError.Unauthenticated({ detail: "invalid x-api-key" }))))
  )

  it.effect("takes many failures in succession for an outage: stops, and leaves the rows pending", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(names(50)), { concurrency: 4 })
        assert.deepInclude(summary, { total: 50, done: 1, failed: 0, pending: 49, problems: [] })
        assert.include(summary.stopped, { message: "Overloaded: busy; try again later" })
        assert.isAtMost((yield* calls).length, 1 + 16 + 3)
      })
    ).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/person 0/, "hi"), overloaded)))
  )

  it.effect("goes on when fewer fail in succession, or others are answered in between, and counts them as failed", () =>
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

  it.effect("says that the input can be read only once when the rows are not there again", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const rows = [{ name: "Ann" }, { name: "Bob" }].values()
        const source = Dataset.fromIterable("people", Person, rows)
        const summary = yield* files.run(Job.make({ ...greetings([]), source }))
        assert.deepInclude(summary, { total: 2, done: 0, pending: 2, stopped: "input" })
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("tells of a row whose key cannot be told, with its place, and runs the others", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const key = ({ name }: typeof Person.Type): string => (name === "Bob" ? JSON.parse("{") : name)
        const summary = yield* files.run(Job.make({ ...greetings(["Ann", "Bob", "Cid"]), key }))
        assert.deepInclude(summary, { total: 3, done: 2, invalid: 1, pending: 0 })
        assert.match(summary.problems[0] ?? "", /^people row 2: its key cannot be told: .*JSON/)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("tells of broken rows and of keys that come twice, and runs the others", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = Job.make({
          ...greetings([]),
          source: Dataset.fromIterable("people", Person, [{ name: "Ann" }, { name: 7 }, { name: "Ann" }])
        })
        const summary = yield* files.run(job)
        assert.deepInclude(summary, { total: 3, done: 1, invalid: 2 })
        assert.match(summary.problems[0] ?? "", /^people row 2: .*name/)
        assert.match(summary.problems[1] ?? "", /^people row 3: the key "Ann" was there before/)
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

  it.effect("leaves nothing behind when the input breaks off before a row is taken", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const broken = { ...people(["Ann"]), rows: Stream.concat(people(["Ann"]).rows, Stream.die("no more")) }
        yield* Effect.exit(files.run(Job.make({ ...greetings([]), source: broken })))
        assert.deepStrictEqual(yield* files.names, [])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("leaves the state as it was when the input is not there any more", () =>
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

  it.effect("never writes over its input, by whatever name", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const input = files.path("people.jsonl")
        yield* fs.writeFileString(input, '{"name":"Ann"}\n')
        yield* fs.symlink(input, files.path("link.jsonl"))
        const job = Job.make({ ...greetings([]), source: Dataset.fromFile(Person, input) })
        for (const output of [input, files.path("link.jsonl")]) {
          const error = yield* Effect.flip(files.run(job, { output }))
          assert.instanceOf(error, Dataset.DatasetFailed)
          assert.strictEqual(error.message, `${output}: this is the input; name another file with --output`)
        }
        assert.strictEqual(yield* fs.readFileString(input), '{"name":"Ann"}\n')
        assert.deepStrictEqual(yield* calls, [])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("sends nothing, and empties no output, when that has lines of which the state knows nothing", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        yield* fs.writeFileString(files.output, "mine\n")
        const error = yield* Effect.flip(files.run(greetings(["Ann"])))
        assert.instanceOf(error, Dataset.DatasetFailed)
        assert.match(error.message, /out\.jsonl: .*lines that this state does not know; move it away, or name another/)
        assert.strictEqual(yield* fs.readFileString(files.output), "mine\n")
        assert.deepStrictEqual(yield* calls, [])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("sends nothing when the results have a field of the name that the key of a row has", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const output = Schema.Struct({ key: Schema.String })
        const step = Step.make("entry", ({ name }: typeof Person.Type) => Effect.succeed({ key: name }))
        const error = yield* Effect.flip(files.run(Job.make({ ...greetings(["Ann"]), step, output })))
        assert.instanceOf(error, Dataset.DatasetFailed)
        assert.match(error.message, /out\.jsonl: .*"key".*rename it in the output schema/)
        yield* files.run(greetings(["Ann"]))
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("stops when the state cannot be written any more, and tells what is done", () =>
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

  it.effect("stops when the results cannot be written any more, and tells what is done", () =>
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

  it.effect("fails as a run that broke off when not even the state can tell what is done", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const step = Step.make("drop", () => Effect.orDie(Effect.as(sql`DROP TABLE journal_rows`, "hi")))
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

  it.effect("works on twice as many rows at once as Claude has capacity", () =>
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

  it.effect("refuses the state of a job whose results had another form", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann"]))
        const output = Schema.Trimmed.annotate({ description: "A greeting" })
        const error = yield* Effect.flip(files.run(Job.make({ ...greetings(["Ann"]), output })))
        assert.match(error.message, /output\.schema\.description was absent and is "A greeting"/)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("refuses the state of another job, and says what differs", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann"]))
        const error = yield* Effect.flip(files.run(Job.make({ ...greetings(["Ann"]), name: "farewells" })))
        assert.match(error.message, /job was "greetings" and is "farewells"; use another --state and --output/)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("knows the emulator by its first answer, and from then on tells of it", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        assert.deepInclude(yield* files.run(greetings(["Ann"])), { emulated: true })
        assert.deepInclude(yield* files.run(greetings(["Ann"])), { done: 1, emulated: true })
      })
    ).pipe(Effect.provide(Emulator.layer()))
  )

  it.effect("knows the emulator by what a cache gives, too", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann"]))
        yield* FileSystem.FileSystem.use((fs) => fs.remove(files.path("state.sqlite")))
        const other = { output: files.path("other.jsonl") }
        assert.deepInclude(yield* files.run(greetings(["Ann"]), other), { done: 1, emulated: true })
        assert.lengthOf(yield* Emulator.Emulator.use(({ ledger }) => ledger), 1)
      })
    ).pipe(
      Effect.provide(
        Emulator.layer().pipe(ResponseCache.policy({ storeId: "emulated" }), Layer.provide(ResponseCache.layerMemory()))
      )
    )
  )

  it.effect("asks one row at a time while somebody else than before may answer", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* Effect.provide(files.run(greetings(["Ann"])), Layer.orDie(Emulator.layer()))
        const many = greetings(["Ann", ...names(20)])
        const error = yield* Effect.flip(files.run(many))
        assert.include(error.message, "holds the emulator's answers")
        assert.lengthOf(yield* calls, 1)
        assert.deepInclude(yield* Effect.provide(files.run(many), Layer.orDie(Emulator.layer())), { done: 21 })
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("asks no more rows once it is to stop, also where they go one at a time", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* Effect.provide(files.run(greetings(["Ann"])), Layer.orDie(Emulator.layer()))
        const summary = yield* files.run(greetings(["Ann", ...names(20)]))
        assert.deepInclude(summary, { done: 1, pending: 20 })
        assert.lengthOf(yield* calls, 1)
      })
    ).pipe(Effect.provide(TestClaude.layer(new ClaudeError.Unauthenticated({ detail: "bad key" }))))
  )

  it.effect("never puts Claude's answers among the emulator's, nor the other way round", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const claude = Layer.orDie(TestClaude.layer("hi"))
        const emulator = Layer.orDie(Emulator.layer())
        for (const [first, second] of [
          [claude, emulator],
          [emulator, claude]
        ] as const) {
          const output = files.path(first === claude ? "claude.jsonl" : "emulator.jsonl")
          const run = (layer: Layer.Layer<Claude.Claude>, names: ReadonlyArray<string>) =>
            Effect.provide(files.run(greetings(names), { output }), layer)
          yield* run(first, ["Ann"])
          const error = yield* Effect.flip(run(second, ["Ann", "Bob"]))
          assert.match(
            error.message,
            /state\.sqlite holds (Claude's|the emulator's) answers, not .*use another --state/
          )
          assert.deepInclude(yield* run(first, ["Ann", "Bob"]), { done: 2 })
          yield* FileSystem.FileSystem.use((fs) => fs.remove(files.path("state.sqlite")))
        }
      })
    )
  )
})

describe("the trace of a row", () => {
  it.effect("is its own, linked to that of the run, and shows its calls and the storing of what came of them", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann", "Bob"]))
        const spans = yield* Effect.flatten(Telemetry.Spans)
        const run = spans.filter(({ name }) => name === "Job.run")
        const rows = spans.filter(({ name }) => name === "row greetings")
        assert.deepStrictEqual(
          rows.map(({ links }) => links.map(({ span }) => span)),
          [run, run]
        )
        for (const [row, person] of Arr.zip(rows, ["Ann", "Bob"])) {
          assert.deepStrictEqual(outline(spans.filter(({ traceId }) => traceId === row.traceId)), [
            `row greetings (${person})`,
            "  Claude.generateText",
            "    chat claude-sonnet-5-5 (greet)",
            "      attempt 1",
            "  store"
          ])
        }
      })
    ).pipe(Effect.provide(traced(TestClaude.layer("hi"))))
  )

  it.effect("ends as the row does, and stores no result of one that failed", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann"]))
        const lines = Telemetry.waterfall(yield* Effect.flatten(Telemetry.Spans)).split("\n")
        assert.match(lines.find((line) => line.startsWith("row greetings (Ann)")) ?? "", /failed: InvalidRequest$/)
        assert.notInclude(lines.join(), "store")
      })
    ).pipe(Effect.provide(traced(TestClaude.layer(notYou))))
  )

  it.effect("has no secret of its key", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const key = `sk-ant-${"secret".repeat(5)}`
        yield* files.run(greetings([key]))
        const waterfall = Telemetry.waterfall(yield* Effect.flatten(Telemetry.Spans))
        assert.include(waterfall, "row greetings ([redacted])")
        assert.notInclude(waterfall, key)
      })
    ).pipe(Effect.provide(traced(TestClaude.layer("hi"))))
  )

  it.effect("has no secret of its error", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const key = `sk-ant-${"secret".repeat(5)}`
        const step = Step.make("greet", () => Effect.fail(`${key} is no key`))
        yield* files.run(Job.make({ ...greetings(["Ann"]), step }))
        const row = (yield* Effect.flatten(Telemetry.Spans)).find(({ name }) => name === "row greetings")
        const said =
          row?.status._tag === "Ended" && row.status.exit._tag === "Failure" ? row.status.exit.cause : undefined
        assert.include(said && Cause.pretty(said), "[redacted] is no key")
        assert.notInclude(said && Cause.pretty(said), key)
      })
    ).pipe(Effect.provide(traced(TestClaude.layer("hi"))))
  )

  it.effect("leaves that of the run as short as it is, whatever the number of rows", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(names(50)))
        const spans = yield* Effect.flatten(Telemetry.Spans)
        const run = spans.find(({ name }) => name === "Job.run")
        assert.deepStrictEqual(outline(spans.filter(({ traceId }) => traceId === run?.traceId)), [
          "Job.run",
          "  sql.transaction",
          "    Dataset.keepApart",
          "    Dataset.writeLines"
        ])
      })
    ).pipe(Effect.provide(traced(TestClaude.layer("hi"))))
  )
})

const traced = <A, E>(claude: Layer.Layer<A | Claude.Claude, E>) =>
  claude.pipe(Telemetry.policy(), Layer.provideMerge(Telemetry.layerSpans))

/** The names of spans, each below its parent. */
const outline = (spans: ReadonlyArray<Tracer.Span>) =>
  Telemetry.waterfall(spans)
    .split("\n")
    .map((line) => /^( *.+?) {2}/.exec(line)?.[1])

const Person = Schema.Struct({ name: Schema.String })

const names = (count: number) => Array.from({ length: count }, (_, index) => `person ${index}`)

const people = (names: ReadonlyArray<string>) =>
  Dataset.fromIterable(
    "people",
    Person,
    names.map((name) => ({ name }))
  )

const greetings = (names: ReadonlyArray<string>) =>
  Job.make({
    name: "greetings",
    source: people(names),
    key: ({ name }) => name,
    step: Step.text("greet", ({ name }: typeof Person.Type) => `Greet ${name}.`),
    output: Schema.String,
    sink: "unused.jsonl"
  })

const overloaded = new ClaudeError.Overloaded({ detail: "busy" })
const notYou = new ClaudeError.InvalidRequest({ detail: "not you" })

const calls = TestClaude.calls

/** A folder of the test's own, with an output and a state that outlive a run. */
const inFolder = <A, E, R>(test: (files: Effect.Success<typeof makeFiles>) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(makeFiles, test).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const makeFiles = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped()
  const output = path.join(folder, "out.jsonl")
  const state = Sqlite.layer({ path: path.join(folder, "state.sqlite") })
  const runHere = <Row, Out, E>(job: Job.Job<Row, Out, E, Claude.Claude>, options: Job.RunOptions = {}) =>
    Effect.provide(Job.run(job, { output, ...options }), Journal.layer({ job: job.name, shape: Job.shape(job) }))
  return {
    output,
    path: (name: string) => path.join(folder, name),
    state,
    /** A run on a state that is open. */
    runHere,
    /** What is in the folder, and in the state. */
    names: fs.readDirectory(folder),
    rows: Effect.provide(
      SqlClient.use((sql) => Effect.all([sql`SELECT * FROM journal`, sql`SELECT * FROM journal_rows`])),
      state
    ),
    lines: Effect.map(fs.readFileString(output), (text) => text.trimEnd().split("\n")),
    run: <Row, Out, E>(job: Job.Job<Row, Out, E, Claude.Claude>, options: Job.RunOptions = {}) =>
      Effect.provide(runHere(job, options), state)
  }
})
