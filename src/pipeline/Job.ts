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
import type { KeepInput } from "./InputColumns.ts"
import { draw, type Step } from "./Step.ts"

export { type Confirm, JobDeclined, type Proposal } from "./Confirm.ts"
export { DestinationTaken } from "./Destinations.ts"
export { JobLayerFailed, run, type RunOptions, type Summary } from "./Run.ts"
export { ColumnTaken, type KeepInput } from "./InputColumns.ts"
export { JobChanged } from "./Recheck.ts"
export { JobBroken, JobHopeless, JobNeeds } from "./StopRules.ts"

const TypeId = "~effect-claude/Job"

/** The services that every run provides. */
export type Provided = Claude | FileSystem.FileSystem | Path.Path

interface Work<Row, Out, E, R> {
  /** The name of the job in reports and in the state. */
  readonly name: string
  readonly source: Dataset.Dataset<Row>
  /** Identifies a row: unique, and the same in every run. */
  readonly key: (row: Row) => string
  readonly step: Step<Row, Out, E, R>
  /** How a result is written. It has no field `key`, since each line has the key of its row there. */
  readonly output: Schema.ConstraintCodec<Out, unknown>
  /** Writes the columns of the input next to the result, as the input has them. */
  readonly keepInput?: KeepInput
  /** The file for the results, unless the caller names another. */
  readonly sink: string
}

/**
 * What to do for every row of a source. `layer` provides the services that the step needs besides `Provided`, such as a
 * database, and changes what only this job has: `Claude.Defaults`, a policy on `Job.claude`, a tracer. It is built once
 * per run and released at the end of the run.
 */
export interface Declaration<Row, Out, E, R> extends Work<Row, Out, E, R> {
  readonly layer: Layer.Layer<NoInfer<Exclude<R, Provided>>, unknown, Provided>
}

/** A job that can be run. Its step needs nothing that the layer does not provide. */
export interface Job<Row, Out, E> extends Work<Row, Out, E, Provided> {
  readonly [TypeId]: typeof TypeId
  readonly layer?: Layer.Layer<never, unknown, Provided>
}

/** Declares a job. A job whose step needs a service that neither `Provided` nor its layer has does not compile. */
export function make<Row, Out, E>(declaration: Omit<Job<Row, Out, E>, typeof TypeId>): Job<Row, Out, E>
export function make<Row, Out, E, R>(declaration: Declaration<Row, Out, E, R>): Job<Row, Out, E>
export function make<Row, Out, E>(declaration: Omit<Job<Row, Out, E>, typeof TypeId>): Job<Row, Out, E> {
  return { ...declaration, [TypeId]: TypeId }
}

/** The Claude of the run as a layer. Pipe policies onto it in `layer`: `Job.claude.pipe(Retry.policy())`. */
export const claude: Layer.Layer<Claude, never, Claude> = Layer.effect(Claude, Claude)

/** Whether a value, such as the default export of a file, is a job. */
export const isJob = (value: unknown): value is Job<never, unknown, unknown> => Predicate.hasProperty(value, TypeId)

/** What of a job cannot change while its finished rows stay: the steps, with their versions, and the schema of a result. */
export const shape = <Row, Out, E>(job: Job<Row, Out, E>): Schema.JsonObject => ({
  steps: draw(job.step.shape),
  output: toJson(Schema.toJsonSchemaDocument(job.output))
})

const toJson = Schema.decodeUnknownSync(Schema.Json)
