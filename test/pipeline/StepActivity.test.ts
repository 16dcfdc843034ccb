import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { CallSite, type Claude, ClaudeError, DurableCalls, Step, StepActivity } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Sqlite } from "effect-claude/node"
import { Cause, Effect, Exit, Layer, Option, Schema, Scope } from "effect"
import { ClusterWorkflowEngine, SingleRunner } from "effect/cluster"
import { Digest } from "effect/crypto"
import { TestClock } from "effect/testing"
import { Activity, DurableDeferred, Workflow, WorkflowEngine } from "effect/workflow"
import { pass, until } from "../turns.ts"
import { postgres } from "./journal/databases.ts"

/** The engine on SQL, as one process uses it. */
const onSql = ClusterWorkflowEngine.layer.pipe(
  Layer.provide(SingleRunner.layer({ runnerStorage: "memory" })),
  Layer.provide(Digest.layerWebCrypto)
)

const inMemory = { name: "in memory", engine: WorkflowEngine.layerMemory, database: Sqlite.layerMemory, missing: "" }
const onSqlite = { name: "on SQLite", engine: onSql, database: Sqlite.layerMemory, missing: "" }
const onPostgres = { name: "on PostgreSQL", engine: onSql, database: postgres.layer, missing: postgres.missing }

for (const { database, engine, missing, name } of [inMemory, onSqlite, onPostgres]) {
  const isDurable = engine !== WorkflowEngine.layerMemory

  describe.skipIf(missing !== "")(`a step in a workflow whose engine ${name} restarts${missing}`, () => {
    it.effect("pays once for an answered call where the engine stops before it has stored the result", () =>
      Effect.gen(function* () {
        const { answered, stuck } = sticking(draft)
        const first = yield* start(engine, StepActivity.make(stuck, schemas))
        yield* first.begin("Ada")
        yield* until(Effect.sync(answered))
        yield* first.stop
        const second = yield* start(engine, StepActivity.make(draft, schemas))
        assert.deepStrictEqual(yield* second.execute("Ada"), Exit.succeed("Dear Ada"))
        assert.lengthOf(yield* TestClaude.calls, 1)
      }).pipe(Effect.scoped, Effect.provide([TestClaude.layer(["Dear Ada"]), database]))
    )

    it.effect("pays twice in an Activity without our replies, which is why they are kept", () =>
      Effect.gen(function* () {
        const { answered, stuck } = sticking(draft)
        const plain = (step: typeof draft) => (name: string) =>
          Activity.make({ name: "draft", ...schemas, execute: step(name) })
        const first = yield* start(engine, plain(stuck))
        yield* first.begin("Ada")
        yield* until(Effect.sync(answered))
        yield* first.stop
        const second = yield* start(engine, plain(draft))
        assert.deepStrictEqual(yield* second.execute("Ada"), Exit.succeed("Dear Ada"))
        assert.lengthOf(yield* TestClaude.calls, 2)
      }).pipe(Effect.scoped, Effect.provide([TestClaude.layer(["Dear Ada", "Dear Ada"]), database]))
    )

    it.effect("continues when a person approves it after three days, and pays no call again", () =>
      Effect.gen(function* () {
        const first = yield* start(engine, approved)
        yield* first.begin("Ada")
        yield* first.suspended("Ada")
        // The engine in memory cannot restart. Its executions would be lost.
        if (isDurable) yield* first.stop
        yield* TestClock.adjust("3 days")
        const second = isDurable ? yield* start(engine, approved) : first
        yield* second.suspended("Ada")
        yield* second.decide("Ada", { isApproved: true, by: "Grace" })
        if (isDurable) yield* second.stop
        const third = isDurable ? yield* start(engine, approved) : first
        assert.deepStrictEqual(yield* third.execute("Ada"), Exit.succeed("Kind regards"))
        assert.deepStrictEqual(yield* TestClaude.prompts, ["Write to Ada", "Close: Dear Ada"])
      }).pipe(Effect.scoped, Effect.provide([TestClaude.layer(["Dear Ada", "Kind regards"]), database]))
    )
  })
}

for (const { database, engine, name } of [inMemory, onSqlite]) {
  describe(`a step in a workflow whose engine is ${name}`, () => {
    it.effect("returns its output, at the place of the execution", () =>
      Effect.gen(function* () {
        const sites: Array<CallSite.CallSite> = []
        const noting = Step.around(draft, (run) =>
          Effect.andThen(
            Effect.map(CallSite.CallSite, (site) => void sites.push(site)),
            run
          )
        )
        const { execute } = yield* start(engine, StepActivity.make(noting, schemas))
        assert.deepStrictEqual(yield* execute("Ada"), Exit.succeed("Dear Ada"))
        const executionId = yield* Letter.executionId({ name: "Ada" })
        assert.deepStrictEqual(
          sites.map(({ job, row }) => [job, row]),
          [["Letter", executionId]]
        )
      }).pipe(Effect.scoped, Effect.provide([TestClaude.layer(["Dear Ada"]), database]))
    )

    it.effect("replays the answered calls of an attempt that was interrupted", () =>
      Effect.gen(function* () {
        let runs = 0
        const step = Step.around(
          draft,
          Effect.tap(() => (runs++ === 0 ? Effect.interrupt : Effect.void))
        )
        const { execute } = yield* start(engine, StepActivity.make(step, schemas))
        assert.deepStrictEqual(yield* execute("Ada"), Exit.succeed("Dear Ada"))
        assert.strictEqual(runs, 2)
        assert.lengthOf(yield* TestClaude.calls, 1)
      }).pipe(Effect.scoped, Effect.provide([TestClaude.layer(["Dear Ada"]), database]))
    )

    it.effect("fails the workflow with its typed error, and asks Claude no more", () =>
      Effect.gen(function* () {
        const { execute } = yield* start(engine, StepActivity.make(draft, schemas))
        const failed = yield* execute("Ada")
        assert.isTrue(Exit.isFailure(failed))
        const error = Option.getOrThrow(Exit.findErrorOption(failed))
        assert.instanceOf(error, ClaudeError.ClaudeError)
        assert.deepInclude(error.reason, { _tag: "NotFound", detail: "no such model" })
        assert.deepStrictEqual(yield* execute("Ada"), failed)
        assert.lengthOf(yield* TestClaude.calls, 1)
      }).pipe(
        Effect.scoped,
        Effect.provide([TestClaude.layer([new ClaudeError.NotFound({ detail: "no such model" })]), database])
      )
    )

    it.effect("keeps the answered calls of a failed attempt for the next one of Activity.retry", () =>
      Effect.gen(function* () {
        const { execute } = yield* start(engine, (name) => Activity.retry(twice(name), { times: 1 }))
        assert.deepStrictEqual(yield* execute("Ada"), Exit.succeed("short"))
        assert.deepStrictEqual(yield* TestClaude.prompts, ["Write to Ada", "Shorten: long", "Shorten: long"])
      }).pipe(Effect.scoped, Effect.provide([TestClaude.layer(["long", overloaded, "short"]), database]))
    )

    it.effect("pays in each attempt for its own replies if asked to", () =>
      Effect.gen(function* () {
        const fresh = StepActivity.make(writeShort, { ...schemas, includeAttempt: true })
        const { execute } = yield* start(engine, (name) => Activity.retry(fresh(name), { times: 1 }))
        assert.deepStrictEqual(yield* execute("Ada"), Exit.succeed("short"))
        assert.lengthOf(yield* TestClaude.calls, 4)
      }).pipe(Effect.scoped, Effect.provide([TestClaude.layer(["long", overloaded, "long", "short"]), database]))
    )

    it.effect("asks again in the next attempt for an answer that could not be used", () =>
      Effect.gen(function* () {
        const activity = StepActivity.make(draft, schemas)
        const { execute } = yield* start(engine, (name) => Activity.retry(activity(name), { times: 1 }))
        assert.deepStrictEqual(yield* execute("Ada"), Exit.succeed("Dear Ada"))
        assert.lengthOf(yield* TestClaude.calls, 2)
      }).pipe(
        Effect.scoped,
        Effect.provide([TestClaude.layer([{ content: ["Dear"], stop_reason: "max_tokens" }, "Dear Ada"]), database])
      )
    )

    it.effect("fails again without a call where the engine forgets the failure", () =>
      Effect.gen(function* () {
        const failing = Step.around(draft, (run) => Effect.tapError(run, () => (isStuck ? Effect.never : Effect.void)))
        let isStuck = true
        const first = yield* start(engine, StepActivity.make(failing, schemas))
        yield* first.begin("Ada")
        yield* until(Effect.map(TestClaude.calls, (calls) => calls.length === 1))
        yield* pass(5)
        yield* first.stop
        isStuck = false
        const second = yield* start(engine, StepActivity.make(failing, schemas))
        const error = Option.getOrThrow(Exit.findErrorOption(yield* second.execute("Ada")))
        assert.strictEqual("reason" in error && error.reason._tag, "OutputTruncated")
        assert.lengthOf(yield* TestClaude.calls, 1)
      }).pipe(
        Effect.scoped,
        Effect.provide([TestClaude.layer([{ content: ["Dear"], stop_reason: "max_tokens" }]), database])
      )
    )

    it.effect("refuses a second input under one name, and takes it under a name for each input", () =>
      Effect.gen(function* () {
        const both = (step: typeof named) => () => Effect.map(Effect.all([step("Ada"), step("Bob")]), String)
        const named = StepActivity.make(draft, { ...schemas, name: (name) => `draft for ${name}` })
        const good = yield* start(engine, both(named))
        assert.deepStrictEqual(yield* good.execute("both"), Exit.succeed("Dear Ada,Dear Bob"))
        yield* good.stop
        const bad = yield* start(engine, both(StepActivity.make(draft, schemas)))
        const refused = yield* bad.execute("again")
        assert.include(
          Exit.isFailure(refused) ? Cause.pretty(refused.cause) : "",
          `the Activity "draft" of the workflow "Letter" runs on two inputs`
        )
      }).pipe(Effect.scoped, Effect.provide([TestClaude.layer(["Dear Ada", "Dear Bob", "Dear Ada"]), database]))
    )

    it.effect("ends with a typed error when a person rejects it, and asks Claude no more", () =>
      Effect.gen(function* () {
        const app = yield* start(engine, approved)
        yield* app.begin("Ada")
        yield* app.suspended("Ada")
        yield* app.decide("Ada", { isApproved: false, by: "Grace" })
        const ended = yield* app.execute("Ada")
        assert.deepStrictEqual(Exit.findErrorOption(ended), Option.some(new Rejected({ by: "Grace" })))
        assert.lengthOf(yield* TestClaude.calls, 1)
      }).pipe(Effect.scoped, Effect.provide([TestClaude.layer(["Dear Ada"]), database]))
    )
  })
}

describe("the type of a step in a workflow", () => {
  it("is that of a step, whose errors have the schema, and which needs the engine and the durable calls", () => {
    const activity = StepActivity.make(draft, schemas)
    expectTypeOf(activity).toEqualTypeOf<
      Step.Step<
        string,
        string,
        ClaudeError.ClaudeError,
        Claude.Claude | DurableCalls.DurableCalls | WorkflowEngine.WorkflowEngine | WorkflowEngine.WorkflowInstance
      >
    >()
    assert.strictEqual(activity.shape, draft.shape)
    // @ts-expect-error: the schema does not fit the output of the step
    StepActivity.make(draft, { ...schemas, success: Schema.Int })
  })
})

// Builders

/** An app that runs until it stops, on the database of the test. */
const start = (engine: typeof onSql, run: Handler) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const stop = Effect.gen(function* () {
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* until(Effect.sync(() => closing.pollUnsafe() !== undefined))
    })
    yield* Effect.addFinalizer(() => stop)
    const app = Layer.provideMerge(
      Letter.toLayer(({ name }) => run(name)),
      engine
    ).pipe(Layer.provideMerge(DurableCalls.layer({ name: "letters" })))
    const context = yield* Layer.buildWithMemoMap(app, Layer.makeMemoMapUnsafe(), scope)
    const inApp = Effect.provideContext(context)
    const poll = (name: string) => inApp(Effect.flatMap(Letter.executionId({ name }), (id) => Letter.poll(id)))
    return {
      begin: (name: string) => inApp(Letter.execute({ name }, { discard: true })),
      suspended: (name: string) =>
        until(Effect.map(poll(name), (found) => Option.isSome(found) && found.value._tag === "Suspended")),
      execute: Effect.fnUntraced(function* (name: string) {
        yield* inApp(Letter.execute({ name }, { discard: true }))
        const ended = Effect.map(
          poll(name),
          Option.filter((found) => found._tag === "Complete")
        )
        yield* until(Effect.map(ended, Option.isSome))
        return Option.getOrThrow(yield* ended).exit
      }),
      decide: (name: string, decision: typeof Decision.Type) =>
        Effect.flatMap(Letter.executionId({ name }), (executionId) => {
          const token = DurableDeferred.tokenFromExecutionId(Approval, { workflow: Letter, executionId })
          return DurableDeferred.succeed(Approval, { token, value: decision })
        }).pipe(inApp),
      stop
    }
  })

const draft = Step.text("draft", (name: string) => `Write to ${name}`)
const schemas = { success: Schema.String, error: ClaudeError.ClaudeError }

/** A draft, and a second call that shortens it. */
const writeShort = Step.andThen(
  draft,
  Step.text("shorten", (text: string) => `Shorten: ${text}`)
)
const twice = StepActivity.make(writeShort, schemas)
const overloaded = new ClaudeError.Overloaded({ detail: "busy" })

class Rejected extends Schema.TaggedError<Rejected>()("Rejected", { by: Schema.String }) {}

const Decision = Schema.Struct({ isApproved: Schema.Boolean, by: Schema.String })
const Approval = DurableDeferred.make("approval", { success: Decision })
const Letter = Workflow.make("Letter", {
  payload: { name: Schema.String },
  idempotencyKey: ({ name }) => name,
  success: Schema.String,
  error: Schema.Union([ClaudeError.ClaudeError, Rejected])
})

type Handler = (
  name: string
) => Effect.Effect<
  string,
  ClaudeError.ClaudeError | Rejected,
  Claude.Claude | DurableCalls.DurableCalls | WorkflowEngine.WorkflowEngine | WorkflowEngine.WorkflowInstance
>

/** Drafts a letter, waits for a person, and closes the letter. */
const approved: Handler = Effect.fnUntraced(function* (name) {
  const text = yield* StepActivity.make(draft, schemas)(name)
  const { by, isApproved } = yield* DurableDeferred.await(Approval)
  if (!isApproved) return yield* new Rejected({ by })
  const close = Step.text("close", (letter: string) => `Close: ${letter}`)
  return yield* StepActivity.make(close, schemas)(text)
})

/** The step, stuck after its answer. */
const sticking = (step: typeof draft) => {
  let isAnswered = false
  const stuck = Step.around(
    step,
    Effect.tap(() => {
      isAnswered = true
      return Effect.never
    })
  )
  return { stuck, answered: () => isAnswered }
}
