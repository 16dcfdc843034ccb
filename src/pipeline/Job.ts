/**
 * A job: rows in, one step on each, rows out. It is a declaration, so it can be run, resumed, counted and drawn. `run`
 * streams the rows, so memory does not grow with the data, and it skips the rows that an earlier run finished.
 */
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { Claude } from "../claude/Claude.ts"
import type * as Dataset from "./Dataset.ts"
import { draw, type Step } from "./Step.ts"

export { JobBroken, JobLayerFailed, run, type RunOptions, type Summary } from "./Run.ts"
export { JobHopeless, JobNeeds } from "./StopRules.ts"

const TypeId = "~effect-claude/Job"

/** The services that every run provides. */
export type Provided = Claude | FileSystem.FileSystem | Path.Path

/**
 * What to do for every row of a source. A step that needs more than every run provides and `layer` provides (`L`) does
 * not compile.
 */
export interface Declaration<Row, Out, E, L = never> {
  /** The name of the job in reports and in the state. */
  readonly name: string
  readonly source: Dataset.Dataset<Row>
  /** Identifies a row: unique, and the same in every run. */
  readonly key: (row: Row) => string
  readonly step: Step<Row, Out, E, Provided | NoInfer<L>>
  /**
   * What the step needs besides Claude, such as a database, and what only this job changes: `Claude.Defaults`, a policy
   * on `Job.claude`, a tracer. It is built once per run and released at the end of the run.
   */
  readonly layer?: Layer.Layer<L, unknown, Provided>
  /** How a result is written. It has no field `key`, since each line has the key of its row there. */
  readonly output: Schema.ConstraintCodec<Out, unknown>
  /** The file for the results, unless the caller names another. */
  readonly sink: string
}

/** A job that can be run. */
export interface Job<Row, Out, E> extends Declaration<Row, Out, E> {
  readonly [TypeId]: typeof TypeId
}

/** Declares a job. */
export const make = <Row, Out, E, L = never>(declaration: Declaration<Row, Out, E, L>): Job<Row, Out, E> => ({
  ...declaration,
  // The run provides the layer to the step, so a job has no open needs.
  step: declaration.step as Step<Row, Out, E, Provided>,
  [TypeId]: TypeId
})

/** The Claude of the run as a layer. Pipe policies onto it in `layer`: `Job.claude.pipe(Retry.policy())`. */
export const claude: Layer.Layer<Claude, never, Claude> = Layer.effect(Claude, Claude)

/** Whether a value, such as the default export of a file, is a job. */
export const isJob = (value: unknown): value is Job<never, unknown, unknown> => Predicate.hasProperty(value, TypeId)

/** A change of these makes old results unusable: the names of the steps and the schema of a result. No prompts yet. */
export const shape = <Row, Out, E>(job: Job<Row, Out, E>): Schema.JsonObject => ({
  steps: draw(job.step.shape),
  output: toJson(Schema.toJsonSchemaDocument(job.output))
})

const toJson = Schema.decodeUnknownSync(Schema.Json)
