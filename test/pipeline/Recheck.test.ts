import { assert, describe, it } from "@effect/vitest"
import { Claude, Dataset, Job, Step } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Effect, Fiber, FileSystem, Schema } from "effect"
import { TestClock } from "effect/testing"
import { calls, greetings, inFolder, names, Person } from "./jobs.ts"

type Row = typeof Person.Type

describe("a run whose program has changed since it finished rows", () => {
  it.effect("stops before anything is sent, changes nothing, and shows the first difference of a prompt", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(pipeline({}), { limit: 2 })
        const before = [yield* files.rows, yield* files.lines]
        const sent = (yield* calls).length
        const error = yield* Effect.flip(files.run(pipeline({ rank: "Rank it now" })))
        assert.instanceOf(error, Job.JobChanged)
        assert.strictEqual(
          error.detail,
          'in row "person 0", the request of the step "rank" differs: ' +
            'messages.0.content was "Rank it: to Sort it: person 0" and is "Rank it now: to Sort it: person 0"'
        )
        assert.match(error.message, /run with changed "keep" to keep their results, or with "rerun" to run every row/)
        assert.deepStrictEqual([yield* files.rows, yield* files.lines], before)
        assert.strictEqual((yield* calls).length, sent)
        // The program as it was continues.
        assert.deepInclude(yield* files.run(pipeline({})), { done: 4, pending: 0 })
      })
    ).pipe(Effect.provide(echo))
  )

  it.effect("stops where the input is a file that has not changed, too", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const path = files.path("people.jsonl")
        const lines = names(4).map((name) => `${JSON.stringify({ name })}\n`)
        yield* FileSystem.FileSystem.use((fs) => fs.writeFileString(path, lines.join("")))
        const source = Dataset.fromFile(Person, path)
        yield* files.run(Job.make({ ...pipeline({}), source }), { limit: 2 })
        const error = yield* Effect.flip(files.run(Job.make({ ...pipeline({ rank: "Rank it now" }), source })))
        assert.instanceOf(error, Job.JobChanged)
      })
    ).pipe(Effect.provide(echo))
  )

  it.effect("pays with `rerun` for the changed step and those after it only", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(pipeline({}))
        const sent = (yield* calls).length
        const now = pipeline({ rank: "Rank it now" })
        assert.deepInclude(yield* files.run(now, { changed: "rerun", limit: 3 }), { done: 3, pending: 1 })
        assert.deepInclude(yield* files.run(now), { done: 4, pending: 0, stopped: undefined })
        const prompts = (yield* TestClaude.prompts).slice(sent)
        assert.lengthOf(prompts, 8)
        assert.isTrue(prompts.every((prompt) => /^(Rank|Reply to: to Rank) it now/.test(prompt.replace("it: ", "it "))))
        assert.match((yield* files.lines)[0] ?? "", /Rank it now/)
      })
    ).pipe(Effect.provide(echo))
  )

  it.effect("keeps the finished rows with `keep`, and checks only those that are finished later", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(pipeline({}), { limit: 1 })
        const [first] = yield* files.lines
        const now = pipeline({ sort: "Sort it well" })
        assert.deepInclude(yield* files.run(now, { changed: "keep", limit: 1 }), { done: 2 })
        assert.deepInclude(yield* files.run(now, { limit: 1 }), { done: 3 })
        const error = yield* Effect.flip(files.run(pipeline({})))
        assert.match(error.message, /in row "person 1", .* was "Sort it well: person 1" and is "Sort it: person 1"/)
        assert.strictEqual((yield* files.lines)[0], first)
      })
    ).pipe(Effect.provide(echo))
  )

  it.effect("reports another result, another step, a new call, and a failure", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = greetings(names(2))
        yield* files.run(job, { limit: 1 })
        const detail = (step: Job.Job<Row, string, unknown>["step"]) =>
          Effect.map(Effect.flip(files.run(Job.make({ ...job, step }))), (error) =>
            error instanceof Job.JobChanged ? error.detail : error.message
          )
        const greet = Step.text("greet", ({ name }: Row) => `Greet ${name}.`)
        assert.strictEqual(
          yield* detail(Step.map(greet, (text) => text.toUpperCase())),
          'in row "person 0", the result differs: value was "to Greet person 0." and is "TO GREET PERSON 0."'
        )
        assert.match(yield* detail(Step.version(greet, "2")), /steps was "greet" and is "greet \(version 2\)"/)
        assert.match(
          yield* detail(
            Step.andThen(
              greet,
              Step.text("again", (text) => text)
            )
          ),
          /steps was "greet" and is "greet → again/
        )
        const more = Step.make("greet", ({ name }: Row) =>
          Effect.all([Claude.generateText(`Greet ${name}.`), Claude.generateText("And now?")]).pipe(
            Effect.map(([{ text }]) => text)
          )
        )
        assert.strictEqual(
          yield* detail(more),
          'in row "person 0", the request of the step "greet" is new: it is not among the stored calls'
        )
        const failing = Step.make("greet", ({ name }: Row) =>
          Effect.andThen(Claude.generateText(`Greet ${name}.`), Effect.die("no more"))
        )
        assert.strictEqual(yield* detail(failing), 'in row "person 0", the step now fails: no more')
        assert.lengthOf(yield* calls, 1)
      })
    ).pipe(Effect.provide(echo))
  )

  it.effect("names a service that nothing provides any more", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(names(2)), { limit: 1 })
        const step = Step.make("greet", () => Effect.die(new Error("Service not found: app/Dictionary")))
        const error = yield* Effect.flip(files.run(Job.make({ ...greetings(names(2)), step })))
        assert.instanceOf(error, Job.JobNeeds)
      })
    ).pipe(Effect.provide(echo))
  )

  it.effect("redacts secrets in what it shows", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const key = `sk-ant-${"secret".repeat(5)}`
        yield* files.run(pipeline({ sort: key }), { limit: 1 })
        const error = yield* Effect.flip(files.run(pipeline({ sort: `new ${key}` })))
        assert.include(error.message, "[redacted]")
        assert.notInclude(error.message, key)
      })
    ).pipe(Effect.provide(echo))
  )
})

describe("a run whose program is the same", () => {
  it.effect("finds no change where replies were rejected, in the same run or in an earlier one", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const Name = Schema.Struct({ name: Schema.String })
        const ask = Step.object("ask", Name, ({ name }: Row) => `Who is ${name}?`, { reask: 0 })
        const step = Step.make("all", (row: Row) =>
          Effect.map(row.name === "reasked" ? Effect.retry(ask(row), { times: 1 }) : ask(row), ({ name }) => name)
        )
        const job = Job.make({ ...greetings(["reasked", "retried"]), step })
        assert.deepInclude(yield* files.run(job), { done: 1, failed: 1 })
        assert.deepInclude(yield* files.run(job), { done: 2 })
        assert.deepInclude(yield* files.run(job), { done: 2 })
        assert.lengthOf(yield* calls, 4)
      })
    ).pipe(
      Effect.provide(
        TestClaude.layer(
          TestClaude.when(/reasked/, ["no JSON", '{"name":"Ann"}']),
          TestClaude.when(/retried/, ["no JSON", '{"name":"Bob"}'])
        )
      )
    )
  )

  it.effect("finds no change where a row asked something else after a rejected reply", () => {
    const refused = { content: [], stop_reason: "refusal" as const }
    return inFolder((files) =>
      Effect.gen(function* () {
        const ask = (prompt: string) => Effect.map(Claude.generateText(prompt), ({ text }) => text)
        const step = Step.make("greet", ({ name }: Row) =>
          Effect.catch(ask(name), () => ask(`Say only good morning to ${name}`))
        )
        const job = Job.make({ ...greetings(names(2)), step })
        yield* files.run(job, { limit: 1 })
        assert.deepInclude(yield* files.run(job), { done: 2 })
      })
    ).pipe(
      Effect.provide(
        TestClaude.layer(
          TestClaude.when(/^person/, () => refused),
          "hi"
        )
      )
    )
  })

  it.effect("skips finished rows that the input no longer has", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(names(3)), { limit: 2 })
        assert.deepInclude(yield* files.run(greetings(["person 1", "person 2"])), { total: 2, done: 2 })
      })
    ).pipe(Effect.provide(echo))
  )

  it.effect("does not wait for rows that take long", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        let isSlow = false
        const step = Step.make("greet", ({ name }: Row) =>
          Effect.suspend(() => (isSlow && name === "Ann" ? Effect.never : Effect.succeed("hi")))
        )
        const job = Job.make({ ...greetings(["Ann", "Bob"]), step })
        yield* files.run(job, { limit: 1 })
        isSlow = true
        const running = yield* Effect.forkChild(files.run(job))
        yield* Effect.forever(Effect.andThen(TestClock.adjust("10 seconds"), Effect.yieldNow)).pipe(
          Effect.raceFirst(Fiber.await(running))
        )
        assert.deepInclude(yield* Fiber.join(running), { done: 2 })
      })
    ).pipe(Effect.provide(echo))
  )
})

// Builders

/** Answers with the prompt. */
const echo = TestClaude.layer((request) => `to ${TestClaude.promptText(request)}`)

/** Three steps; each asks about the answer of the step before. */
const pipeline = ({ rank = "Rank it", sort = "Sort it" }) =>
  Job.make({
    ...greetings(names(4)),
    step: Step.text("sort", ({ name }: Row) => `${sort}: ${name}`).pipe(
      Step.andThen(Step.text("rank", (text: string) => `${rank}: ${text}`)),
      Step.andThen(Step.text("reply", (text: string) => `Reply to: ${text}`))
    )
  })
