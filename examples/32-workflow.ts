// How do my steps run in a workflow of effect/workflow that waits days for a person?
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { DurableDeferred, Workflow, WorkflowEngine } from "effect/workflow"
import { ClaudeError, DurableCalls, Step, StepActivity } from "effect-claude"
import { Sqlite } from "effect-claude/node"
import { TestClaude } from "effect-claude/testing"

// The engine stores what a step returns or fails with, so both have a schema.
const schemas = { success: Schema.String, error: ClaudeError.ClaudeError }
const step = (name: string, prompt: (text: string) => string) => StepActivity.make(Step.text(name, prompt), schemas)
const draft = step("draft", (customer) => `Apologise to ${customer}.`)
const shorten = step("shorten", (letter) => `Shorten: ${letter}`)

const Letter = Workflow.make("Letter", { payload: { to: Schema.String }, idempotencyKey: ({ to }) => to, ...schemas })
const Approval = DurableDeferred.make("approval", { success: Schema.Boolean })

const letters = Letter.toLayer(({ to }) =>
  Effect.gen(function* () {
    const letter = yield* draft(to)
    return (yield* DurableDeferred.await(Approval)) ? yield* shorten(letter) : "not sent"
  })
)

// In production: ClusterWorkflowEngine.layer, Sqlite.layer({ path }) or PostgreSQL, and Claude.layerConfig().
const app = Layer.provideMerge(letters, WorkflowEngine.layerMemory).pipe(
  Layer.provideMerge(DurableCalls.layer({ name: "letters" })),
  Layer.provide([Sqlite.layerMemory, TestClaude.layer(["Dear Ada, we are sorry.", "Sorry, Ada."])])
)

it.effect("waits three days for a person, and then continues with the letter that was paid for", () =>
  Effect.gen(function* () {
    const executionId = yield* Letter.execute({ to: "Ada" }, { discard: true })
    yield* TestClock.adjust("3 days")
    const token = DurableDeferred.tokenFromExecutionId(Approval, { workflow: Letter, executionId })
    yield* DurableDeferred.succeed(Approval, { token, value: true })
    assert.strictEqual(yield* Letter.execute({ to: "Ada" }), "Sorry, Ada.")
  }).pipe(Effect.provide(app))
)
