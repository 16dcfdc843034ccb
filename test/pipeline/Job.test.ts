import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { CallEvent, type Claude, ClaudeError, Concurrency, Dataset, Job, Journal, Step } from "effect-claude"
import { Sqlite } from "effect-claude/node"
import { TestClaude } from "effect-claude/testing"
import { Deferred, Effect, Fiber, FileSystem, Layer, Path, Schema } from "effect"

describe("Job", () => {
  it.effect("runs every row, and writes the results in the order of the input with the key of each row", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(["Ann", "Bob"]))
        assert.deepStrictEqual(summary, { total: 2, done: 2, failed: 0, invalid: 0, problems: [], stopped: undefined })
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

  it.effect("sends nothing when the output cannot be written", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* FileSystem.FileSystem.use((fs) => fs.makeDirectory(files.output))
        const error = yield* Effect.flip(files.run(greetings(["Ann"])))
        assert.include(error.message, files.output)
        assert.deepStrictEqual(yield* calls, [])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("keeps an answer that arrived before the interruption", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const arrived = yield* Deferred.make<void>()
        const fiber = yield* files.run(greetings(["Ann", "Bob"])).pipe(
          CallEvent.listen((event) =>
            event._tag === "item-finished" ? Effect.asVoid(Deferred.succeed(arrived, undefined)) : Effect.void
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

  it.effect("refuses the state of another job, and says what differs", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann"]))
        const error = yield* Effect.flip(files.run(Job.make({ ...greetings(["Ann"]), name: "farewells" })))
        assert.match(error.message, /job was "greetings" and is now "farewells"|"greetings".*"farewells"/)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )
})

const Person = Schema.Struct({ name: Schema.String })

const names = (count: number) => Array.from({ length: count }, (_, index) => `person ${index}`)

const greetings = (people: ReadonlyArray<string>) =>
  Job.make({
    name: "greetings",
    source: Dataset.fromIterable(
      "people",
      Person,
      people.map((name) => ({ name }))
    ),
    key: ({ name }) => name,
    step: Step.text("greet", ({ name }: typeof Person.Type) => `Greet ${name}.`),
    output: Schema.String,
    sink: "unused.jsonl"
  })

const notYou = new ClaudeError.InvalidRequest({ detail: "not you" })

const calls = TestClaude.TestClaude.use((fake) => fake.calls)

/** A folder of the test's own, with an output and a state that outlive a run. */
const inFolder = <A, E, R>(test: (files: Effect.Success<typeof makeFiles>) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(makeFiles, test).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const makeFiles = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped()
  const output = path.join(folder, "out.jsonl")
  return {
    output,
    lines: Effect.map(fs.readFileString(output), (text) => text.trimEnd().split("\n")),
    run: <Row, Out, E>(job: Job.Job<Row, Out, E, Claude.Claude>, options: Job.RunOptions = {}) => {
      const journal = Journal.layer({ job: job.name, shape: Job.shape(job) })
      const state = Sqlite.layer({ path: path.join(folder, "state.sqlite") })
      return Effect.provide(Job.run(job, { output, ...options }), Layer.provide(journal, state))
    }
  }
})
