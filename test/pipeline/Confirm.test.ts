import { assert, describe, it } from "@effect/vitest"
import { Claude, Dataset, Job, type Journal, PromptCache, Step, Tools } from "effect-claude"
import { Emulator, TestClaude } from "effect-claude/testing"
import { Context, Effect, FileSystem, Layer, Schema } from "effect"
import { Tool, Toolkit } from "effect/ai"
import { greetings, inFolder, names, notYou, Person } from "./jobs.ts"

describe("a run that asks first", () => {
  it.effect("sends, stores and writes nothing before the answer, and nothing at all where it is no", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const { confirm, proposals } = asking(false)
        const error = yield* Effect.flip(files.run(greetings(names(100)), { confirm }))
        assert.instanceOf(error, Job.JobDeclined)
        assert.strictEqual(
          error.message,
          'the run of "greetings" was declined; nothing was sent, and nothing has changed'
        )
        assert.deepStrictEqual(yield* files.names, [])
        assert.deepStrictEqual(yield* TestClaude.calls, [])
        assert.lengthOf(proposals, 1)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("begins where the answer is yes, and asks only about the rows that it takes", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const { confirm, proposals } = asking(true)
        const job = greetings(names(100))
        assert.deepInclude(yield* files.run(job, { confirm, limit: 30 }), { done: 30 })
        assert.deepInclude(yield* files.run(job, { confirm, where: ({ name }) => name.endsWith("9") }), { done: 37 })
        assert.deepInclude(yield* files.run(job, { confirm }), { done: 100 })
        assert.deepInclude(yield* files.run(job, { confirm }), { done: 100 })
        const rows = proposals.map(({ estimate }) => estimate.rows)
        assert.deepStrictEqual(rows, [30, 7, 63, 0])
        assert.deepStrictEqual(
          proposals.map(({ estimate }) => Math.round(estimate.calls.expected)),
          rows
        )
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("leaves the rows of an earlier run as they were where the answer is no, with rerun too", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = greetings(names(10))
        yield* files.run(job, { limit: 4 })
        const before = yield* files.rows
        const { confirm, proposals } = asking(false)
        yield* Effect.flip(files.run(job, { confirm, changed: "rerun" }))
        yield* Effect.flip(files.run(job, { confirm, changed: "keep" }))
        assert.deepStrictEqual(yield* files.rows, before)
        assert.lengthOf(yield* files.lines, 4)
        // Replies that are stored answer the calls of four rows again.
        assert.deepStrictEqual(
          proposals.map(({ estimate }) => [estimate.rows, Math.round(estimate.calls.expected)]),
          [
            [10, 6],
            [6, 6]
          ]
        )
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("counts the calls of every step, and shows the requests of the first rows as they would be sent", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const { confirm, proposals } = asking(false)
        yield* Effect.flip(files.run(threeSteps, { confirm }))
        assert.deepStrictEqual(
          proposals.flatMap(({ estimate }) => estimate.steps.map(({ calls, path }) => [path, calls])),
          [
            ["classify", 5],
            ["answer", 5],
            ["shorten", 5]
          ]
        )
        const requests = proposals.flatMap(({ requests }) => requests)
        assert.deepStrictEqual(
          requests.map(({ key, path }) => `${key}: ${path}`),
          ["classify", "answer", "shorten"]
            .flatMap((path) => [`person 0: ${path}`])
            .concat(["classify", "answer", "shorten"].map((path) => `person 1: ${path}`))
        )
        assert.deepStrictEqual(requests[0]?.request.messages, [{ role: "user", content: "Classify person 0." }])
      })
    ).pipe(Effect.provide(TestClaude.layer()))
  )

  it.effect("takes the time of answers and the rate limits from earlier runs", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = greetings(names(20))
        const { confirm, proposals } = asking(false)
        const limits = (requests: number) => ({ limits: { "claude-haiku-4": { requests }, other: { requests: 1 } } })
        const learn = (journal: Journal.Journal["Service"]): Journal.Journal["Service"] => ({
          ...journal,
          end: (ending) =>
            Effect.suspend(() => {
              for (const [minute, requests] of [50, 4].entries()) journal.minute(minute, limits(requests))
              return journal.end(ending)
            })
        })
        const settings = { model: "claude-haiku-4-5", max_tokens: 100 }
        yield* files
          .runHere(job, { limit: 8 }, learn)
          .pipe(Effect.provide(files.state), Effect.provideService(Claude.Defaults, settings))
        yield* Effect.flip(files.run(job, { confirm })).pipe(Effect.provideService(Claude.Defaults, settings))
        const [time] = proposals.map(({ estimate }) => estimate.time)
        assert.deepInclude(time, { latencyBasis: "measured", atConcurrency: 0, atLimits: 180 })
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("gives no made-up answer to a step that has services of the job, and says that it counts first calls", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const written: Array<string> = []
        const step = Step.make("store", ({ name }: typeof Person.Type) =>
          Effect.gen(function* () {
            const database = yield* Database
            const { text } = yield* Claude.generateText(`Greet ${name}.`)
            yield* database.write(text)
            return (yield* Claude.generateText(`Shorten ${text}.`)).text
          })
        )
        const layer = Layer.succeed(Database, { write: (text) => Effect.sync(() => void written.push(text)) })
        const job = Job.make({ ...greetings(names(5)), step, layer })
        const { confirm, proposals } = asking(false)
        yield* Effect.flip(files.run(job, { confirm }))
        assert.deepStrictEqual(written, [])
        assert.deepStrictEqual(
          proposals.map(({ estimate, isPartial }) => [estimate.calls.expected, isPartial]),
          [[5, true]]
        )
      })
    ).pipe(Effect.provide(TestClaude.layer()))
  )

  for (const replay of ["stored", "again"] as const) {
    it.effect(`runs no handler of a tool (${replay}), and says that the calls after it are not counted`, () =>
      inFolder((files) =>
        Effect.gen(function* () {
          let handled = 0
          const toolkit = Toolkit.make(Tool.make("look", { success: Schema.String }).annotate(Tools.Replay, replay))
          const handlers = toolkit.toLayer({ look: () => Effect.sync(() => `seen ${++handled}`) })
          const step = Step.make("look", ({ name }: typeof Person.Type) =>
            Claude.generateWithTools(toolkit, { messages: [{ role: "user", content: `Look at ${name}.` }] }).pipe(
              Effect.map(({ text }) => text),
              Effect.provide(handlers)
            )
          )
          const { confirm, proposals } = asking(false)
          yield* Effect.flip(files.run(Job.make({ ...greetings(names(5)), step }), { confirm }))
          assert.strictEqual(handled, 0)
          assert.deepStrictEqual(
            proposals.map(({ endsAtTools, estimate, isPartial }) => [estimate.calls.expected, isPartial, endsAtTools]),
            [[5, false, true]]
          )
        })
      ).pipe(Effect.provide(TestClaude.layer()))
    )
  }

  it.effect("lets a step write no files, and says which row did not reach its end", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const step = Step.make("note", ({ name }: typeof Person.Type) =>
          Effect.gen(function* () {
            const { text } = yield* Claude.generateText(`Greet ${name}.`)
            const fs = yield* FileSystem.FileSystem
            yield* fs.writeFileString(files.path("note.txt"), text)
            return text
          })
        )
        const { confirm, proposals } = asking(false)
        yield* Effect.flip(files.run(Job.make({ ...greetings(["Ann"]), step }), { confirm }))
        assert.deepStrictEqual(yield* files.names, [])
        const [problem = ""] = proposals.flatMap(({ problems }) => problems)
        assert.match(problem, /^Ann: .*an estimate writes no files/)
      })
    ).pipe(Effect.provide(TestClaude.layer()))
  )

  it.effect("learns from finished rows how long prompts and answers are", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const usage = { input_tokens: 120, output_tokens: 30 }
        const claude = TestClaude.layer({ content: ["hi"], usage })
        const job = greetings(names(100))
        yield* Effect.provide(files.run(job, { limit: 10 }), claude)
        const { confirm, proposals } = asking(false)
        yield* Effect.provide(Effect.flip(files.run(job, { confirm })), claude)
        const [estimate] = proposals.map(({ estimate }) => estimate)
        assert.deepInclude(estimate, { rows: 90, inputBasis: "measured", outputBasis: "measured" })
        assert.closeTo(estimate?.inputTokens.expected ?? 0, 90 * 120, 1500)
        assert.closeTo(estimate?.outputTokens.expected ?? 0, 90 * 30, 1)
        // 2 USD and 10 USD for a million tokens.
        assert.closeTo(estimate?.cost.direct?.expected ?? 0, 90 * (120 * 2e-6 + 30 * 1e-5), 0.003)
      })
    )
  )

  it.effect("does not take what an emulator counted and answered for what Claude will", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = greetings(names(100))
        yield* files.run(job, { limit: 10 })
        const { confirm, proposals } = asking(false)
        yield* Effect.flip(files.run(job, { confirm }))
        yield* Effect.flip(files.run(job, { confirm: { ...confirm, emulated: Effect.succeed(true) } }))
        assert.deepStrictEqual(
          proposals.map(({ emulated, estimate }) => [emulated, estimate.inputBasis, estimate.outputBasis]),
          [
            ["ignored", "assumed", "assumed"],
            ["used", "measured", "measured"]
          ]
        )
        assert.deepStrictEqual(
          proposals.map(({ estimate: { time } }) => [time.latencyBasis, time.atLimits === undefined]),
          [
            ["assumed", true],
            ["measured", false]
          ]
        )
      })
    ).pipe(Effect.provide(Emulator.layer()))
  )

  it.effect("asks again for the rejected answers of a row that failed", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = greetings(["Ann", "Bob"])
        yield* files.run(job)
        const { confirm, proposals } = asking(false)
        yield* Effect.flip(files.run(job, { confirm, only: "failed" }))
        assert.deepStrictEqual(
          proposals.map(({ estimate }) => [estimate.rows, estimate.calls.expected]),
          [[1, 1]]
        )
      })
    ).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/Bob/, [notYou]), "hi")))
  )

  it.effect("lets the API count the tokens of sampled prompts where that is asked for", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const { confirm, proposals } = asking(false)
        yield* Effect.flip(files.run(greetings(names(100)), { confirm: { ...confirm, countTokens: true } }))
        const [estimate] = proposals.map(({ estimate }) => estimate)
        assert.strictEqual(estimate?.inputBasis, "measured")
        const one = yield* Claude.countTokens("Greet person 10.")
        assert.closeTo(estimate?.inputTokens.expected ?? 0, 100 * one, 20)
      })
    ).pipe(Effect.provide(Emulator.layer()))
  )
})

// Builders

class Database extends Context.Service<Database, { readonly write: (text: string) => Effect.Effect<void> }>()(
  "Database"
) {}

const threeSteps = Job.make({
  name: "three steps",
  source: Dataset.fromIterable(
    "people",
    Person,
    names(5).map((name) => ({ name }))
  ),
  key: ({ name }) => name,
  step: Step.text("classify", ({ name }: typeof Person.Type) => `Classify ${name}.`).pipe(
    Step.andThen(Step.text("answer", (kind) => `Answer ${kind}.`)),
    Step.andThen(Step.text("shorten", (answer) => `Shorten ${answer}.`))
  ),
  output: Schema.String,
  sink: "unused.jsonl"
})

/** Answers each question the same way, and keeps them. */
function asking(answer: boolean) {
  const proposals: Array<Job.Proposal> = []
  const confirm: Job.Confirm = {
    standIn: Effect.map(Layer.build(Emulator.layer()), (context) => Context.get(context, Claude.Claude)),
    emulated: Effect.succeed(false),
    countTokens: false,
    place: (request) => PromptCache.place(request),
    limits: {},
    decide: (proposal) => Effect.sync(() => (proposals.push(proposal), answer))
  }
  return { confirm, proposals }
}
