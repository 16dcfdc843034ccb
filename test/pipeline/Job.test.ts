import { assert, describe, it } from "@effect/vitest"
import { Claude, type ClaudeError, Job, Retry, Step, Telemetry } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Context, Effect, Layer, Schema } from "effect"
import { calls, greetings, inFolder, names, type Person } from "./jobs.ts"

describe("Job", () => {
  it("is recognised among other values", () => {
    assert.isTrue(Job.isJob(greetings([])))
    assert.isFalse(Job.isJob({ name: "greetings" }))
    assert.isFalse(Job.isJob(undefined))
  })

  it("has a shape that changes with the names of its steps and with the schema of its results", () => {
    const job = greetings([])
    const shape = (changed: Partial<typeof job>) => JSON.stringify(Job.shape(Job.make({ ...job, ...changed })))
    assert.strictEqual(shape({ name: "other", sink: "other.jsonl" }), shape({}))
    assert.notStrictEqual(shape({ step: Step.text("other", () => "Greet.") }), shape({}))
    assert.notStrictEqual(shape({ output: Schema.Trimmed }), shape({}))
  })
})

describe("the layer of a job", () => {
  it.effect("provides the services of its step, and is built once per run and released at its end", () => {
    const log: Array<string> = []
    const layer = Layer.effect(
      Titles,
      Effect.acquireRelease(
        Effect.sync(() => {
          log.push("open")
          return { of: (name: string) => Effect.succeed(`Dr. ${name}`) }
        }),
        () => Effect.sync(() => log.push("close"))
      )
    )
    return inFolder((files) =>
      Effect.gen(function* () {
        const job = Job.make({ ...greetings(names(10)), step: titled, layer })
        assert.deepInclude(yield* files.run(job, { limit: 5 }), { done: 5 })
        assert.deepStrictEqual(log, ["open", "close"])
        assert.deepInclude(yield* files.run(job), { done: 10 })
        assert.deepStrictEqual(log, ["open", "close", "open", "close"])
        assert.include((yield* TestClaude.prompts)[0], "Dr. person 0")
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  })

  it.effect("sets the default model of this job", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const layer = Layer.succeed(Claude.Defaults, { model: "claude-haiku-5-5", max_tokens: 7 })
        yield* files.run(Job.make({ ...greetings(["Ann"]), layer }))
        assert.deepInclude((yield* calls)[0], { model: "claude-haiku-5-5", max_tokens: 7 })
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("applies its policies outside the policies of the run", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const louder = Claude.wrap((next) =>
          Effect.succeed({
            ...next,
            create: (request) => next.create({ ...request, system: `${request.system ?? ""}Be loud.` })
          })
        )
        const job = Job.make({ ...greetings(["Ann"]), layer: Job.claude.pipe(louder, louder) })
        yield* files.run(job)
        yield* files.run(Job.make({ ...job, layer: Job.claude }), { output: files.path("other.jsonl") })
        assert.deepStrictEqual(
          (yield* calls).map(({ system }) => system),
          ["Be loud.Be loud."]
        )
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("exports the traces of this job's rows", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const exported: Array<string> = []
        const exporter = Layer.effectDiscard(
          Effect.addFinalizer(() =>
            Effect.flatMap(Effect.flatten(Telemetry.Spans), (spans) =>
              Effect.sync(() => exported.push(...spans.map(({ name }) => name)))
            )
          )
        )
        const layer = Layer.provideMerge(exporter, Telemetry.layerSpans)
        yield* files.run(Job.make({ ...greetings(["Ann"]), layer }))
        assert.includeMembers(exported, ["row greetings", "Claude.generateText", "store"])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("that is a policy without a layer is refused, with the way to write it", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = greetings(["Ann"])
        // @ts-expect-error: a policy is a function, and JavaScript has no check.
        const error = yield* Effect.flip(files.run({ ...job, layer: Retry.policy() }))
        assert.include(String(error), "it is no Layer; put a policy onto Job.claude, such as `layer: Job.claude.pipe(")
        assert.deepStrictEqual(yield* files.names, [])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("that cannot be built ends the run before a row is claimed", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const layer = Layer.effect(Titles, Effect.fail(new NoDatabase({ at: "db:5432" })))
        const error = yield* Effect.flip(files.run(Job.make({ ...greetings(["Ann"]), step: titled, layer })))
        assert.instanceOf(error, Job.JobLayerFailed)
        assert.strictEqual(error.message, "the layer of the job failed: no database at db:5432")
        assert.deepStrictEqual(yield* files.names, [])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )
})

describe("a job with a missing service", () => {
  it("does not compile", () => {
    const job = greetings([])
    // @ts-expect-error: nothing provides Titles.
    Job.make({ ...job, step: titled })
    // @ts-expect-error: the layer provides something else.
    Job.make({ ...job, step: titled, layer: Layer.succeed(Other, { other: 1 }) })
    const needy = Layer.effect(Titles, Effect.as(Other, titles))
    // @ts-expect-error: the layer itself needs something that nothing provides.
    // @effect-diagnostics-next-line missingLayerContext:off
    Job.make({ ...job, step: titled, layer: needy })
    Job.make({ ...job, step: titled, layer: Layer.succeed(Titles, titles) })
    Job.make({ ...job, step: titled, layer: Layer.mergeAll(Layer.succeed(Titles, titles), Job.claude) })
    assert.isTrue(Job.isJob(job))
  })

  it.effect("ends with the name of the service, and leaves its rows pending", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        // As in a job file in JavaScript, which is not type-checked.
        const untyped = Job.make({ ...greetings(names(50)), step: titled, layer: notThere })
        const error = yield* Effect.flip(files.run(untyped))
        assert.deepStrictEqual(error, new Job.JobNeeds({ service: "test/Titles" }))
        assert.strictEqual(
          error.message,
          'the job uses the service "test/Titles", which nothing provides; add its layer to Job.make as `layer`'
        )
        assert.deepStrictEqual(yield* calls, [])
        const mended = Job.make({ ...untyped, step: titled, layer: Layer.succeed(Titles, titles) })
        assert.deepInclude(yield* files.run(mended), { total: 50, done: 50 })
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("ends in the same way if its layer needs the service", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const layer: Layer.Layer<Titles> = Layer.effect(Titles, Effect.as(unchecked(Other), titles))
        const error = yield* Effect.flip(files.run(Job.make({ ...greetings(["Ann"]), step: titled, layer })))
        assert.deepStrictEqual(error, new Job.JobNeeds({ service: "test/Other" }))
        assert.deepStrictEqual(yield* files.names, [])
      })
    ).pipe(Effect.provide(TestClaude.layer()))
  )
})

// Builders

class Titles extends Context.Service<Titles, { readonly of: (name: string) => Effect.Effect<string> }>()(
  "test/Titles"
) {}
class NoDatabase extends Schema.TaggedError<NoDatabase>()("NoDatabase", { at: Schema.String }) {
  override get message() {
    return `no database at ${this.at}`
  }
}
class Other extends Context.Service<Other, { readonly other: number }>()("test/Other") {}

const titles = { of: (name: string) => Effect.succeed(`Dr. ${name}`) }

const titled = Step.make(
  "greet",
  ({ name }: typeof Person.Type): Effect.Effect<string, ClaudeError.ClaudeError, Claude.Claude | Titles> =>
    Effect.gen(function* () {
      const prompt = yield* Titles.use(({ of }) => of(name))
      return (yield* Claude.generateText(prompt)).text
    })
)

// Untyped programs can leave out a required layer.
const unchecked = <A, E, R>(effect: Effect.Effect<A, E, R>) => effect as Effect.Effect<A, E>
const notThere = Layer.empty as Layer.Layer<Titles>
