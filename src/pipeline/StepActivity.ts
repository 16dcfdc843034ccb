/**
 * A step inside a workflow of effect/workflow: an Activity whose calls are durable on their own. An engine that dies, or
 * loses its lock, before it has stored the result runs the step again, and no answered call is paid again. Put time limits
 * inside the step: around an Activity they leave no record, and a replay does not know of them.
 *
 * effect/workflow is marked unstable; only this module uses it.
 */
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as Schema from "effect/Schema"
import * as Activity from "effect/workflow/Activity"
import { WorkflowInstance } from "effect/workflow/WorkflowEngine"
import * as CallSite from "../claude/CallSite.ts"
import { DurableCalls } from "./DurableCalls.ts"
import * as Step from "./Step.ts"

/** How the step runs as an Activity. */
export interface Options<A, Success, Error> {
  /** The schema of the output, which the engine stores. A required field that is added later ends parked executions. */
  readonly success: Success
  /** The schema of the errors of the step, `ClaudeError.ClaudeError` for calls to Claude. The engine stores them too. */
  readonly error: Error
  /**
   * The name of the Activity; by default that of the step. The engine knows an Activity of an execution by its name alone,
   * so a step that runs on several inputs needs a name for each.
   */
  readonly name?: (input: A) => string
  /**
   * Whether each attempt of `Activity.retry` pays for its own replies. By default an attempt uses the replies of the
   * earlier ones, except those that a verb could not use.
   */
  readonly includeAttempt?: boolean
}

/**
 * The step as an Activity, to call in the handler of a workflow. Its result is stored once per execution; a typed failure
 * too, and `Activity.retry` tries again. The replies are stored under the id of the execution and the name of the Activity.
 */
export const make = <A, Success extends Schema.Constraint, R, Error extends Schema.Constraint>(
  step: Step.Step<A, Success["Type"], Error["Type"], R>,
  options: Options<A, Success, Error>
) => Step.around(step, (run, input) => activity(run, input, options.name?.(input) ?? step.name, options))

const activity = <A, Success extends Schema.Constraint, R, Error extends Schema.Constraint>(
  run: Effect.Effect<Success["Type"], Error["Type"], R>,
  input: A,
  name: string,
  options: Options<A, Success, Error>
) => {
  const execute = Effect.gen(function* () {
    const { executionId, workflow } = yield* WorkflowInstance
    const calls = yield* DurableCalls
    const attempt = yield* Activity.CurrentAttempt
    const key = `${executionId}/${name}${options.includeAttempt === true ? `/${attempt}` : ""}`
    return yield* run.pipe(
      calls.keyed(key, { rejected: attempt === 1 ? "replay" : "skip" }),
      CallSite.row(workflow._tag, executionId)
    )
  })
  const { error, success } = options
  return Effect.andThen(refuseOther(name, input), Activity.make({ name, success, error, execute }))
}

/** The inputs of the Activities of a run, by name. A run of an execution has its own instance. */
const inputs = new WeakMap<WorkflowInstance["Service"], Map<string, unknown>>()

/** The engine would answer the second input with the result of the first. */
const refuseOther = (name: string, input: unknown) =>
  Effect.flatMap(WorkflowInstance, (instance) => {
    let ofRun = inputs.get(instance)
    if (ofRun === undefined) inputs.set(instance, (ofRun = new Map()))
    if (ofRun.has(name) && !Equal.equals(ofRun.get(name), input)) {
      return Effect.die(
        `the Activity "${name}" of the workflow "${instance.workflow._tag}" runs on two inputs, and the engine would ` +
          "answer the second with the result of the first; give StepActivity.make a `name` that depends on the input"
      )
    }
    ofRun.set(name, input)
    return Effect.void
  })
