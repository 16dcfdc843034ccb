/**
 * A job: rows in, one step on each, rows out; as a declaration, so that it can be run direct, resumed, counted and
 * shown. Rows stream through: memory does not grow with the data. What is finished is in the journal, and the output
 * is written from there, so the two never disagree, and nothing that is finished is run again.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as CallEvent from "../claude/CallEvent.ts"
import * as CallSite from "../claude/CallSite.ts"
import { ClaudeError } from "../claude/ClaudeError.ts"
import { redact } from "../claude/Redact.ts"
import * as Batch from "./Batch.ts"
import * as Dataset from "./Dataset.ts"
import { Journal } from "./Journal.ts"
import { draw, type Step } from "./Step.ts"

const TypeId = "~effect-claude/Job"

/** What is to be done, for every row of a source. */
export interface Declaration<Row, Out, E, R> {
  /** The name under which reports and the state know the job. */
  readonly name: string
  readonly source: Dataset.Dataset<Row>
  /** What tells rows apart: unique, and the same in every run. */
  readonly key: (row: Row) => string
  readonly step: Step<Row, Out, E, R>
  /** How a result is written. */
  readonly output: Schema.ConstraintCodec<Out, unknown>
  /** The file for the results, unless the caller names another. */
  readonly sink: string
}

/** A job that can be run. */
export interface Job<Row, Out, E, R> extends Declaration<Row, Out, E, R> {
  readonly [TypeId]: typeof TypeId
}

/** How a run ended. Rows are counted over all runs. */
export interface Summary {
  /** Rows of the input, those that cannot be read included. */
  readonly total: number
  readonly done: number
  /** Rows that Claude or the program failed on; the next run tries them again. */
  readonly failed: number
  /** Rows that cannot be read, or whose key was there before. */
  readonly invalid: number
  /** What is wrong with them, in words, for the first of both kinds. */
  readonly problems: ReadonlyArray<string>
  /** Why it stopped before the end; the rows that are left stay pending. */
  readonly stopped: ClaudeError | "limit" | undefined
}

/** So many problems of each kind are told in the summary; the journal has them all. */
const told = 20

/** Declares a job. */
export const make = <Row, Out, E, R>(declaration: Declaration<Row, Out, E, R>): Job<Row, Out, E, R> => ({
  ...declaration,
  [TypeId]: TypeId
})

/** Whether a value, such as the default export of a file, is a job. */
export const isJob = (value: unknown): value is Job<never, unknown, unknown, never> =>
  Predicate.hasProperty(value, TypeId)

/** How to run a job. */
export interface RunOptions {
  readonly output?: string
  /** Rows worked on at once; see `Batch`. */
  readonly concurrency?: number
  /** Stop after so many rows. */
  readonly limit?: number
}

/** What makes old results unfit when it changes. */
export const shape = <Row, Out, E, R>(job: Job<Row, Out, E, R>): Schema.Json => ({ steps: draw(job.step.shape) })

/**
 * Runs a job. The input is read once before anything is sent, so that broken rows are known at the start; then every
 * row that is not done goes through the step. Out of money or without access, the run stops and the rest stays pending.
 */
export const run = Effect.fn("Job.run")(function* <Row, Out, E, R>(job: Job<Row, Out, E, R>, options: RunOptions = {}) {
  const journal = yield* Journal
  const { invalid, problems, total } = yield* claimRows(job)
  const sink = yield* Dataset.writeLines(options.output ?? job.sink)
  yield* sink.replaceWith(journal.outputs)

  let stopped: Summary["stopped"]
  let taken = 0
  const goesOn = () => {
    if (stopped === undefined && taken++ === options.limit) stopped = "limit"
    return stopped === undefined
  }

  const runRow = ({ key, ordinal, row }: PendingRow<Row>) =>
    Effect.uninterruptibleMask(
      Effect.fnUntraced(function* (restore) {
        const line = Effect.flatMap(job.step(row), (out) => lineOf(job.output, key, out))
        const exit = yield* Effect.exit(restore(CallSite.row(job.name, key)(line)))
        if (Exit.isSuccess(exit)) {
          yield* journal.finish(key, exit.value)
          yield* sink.append(exit.value)
        } else {
          const error = Cause.squash(exit.cause)
          if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
          if (isReasonToStop(error)) return void (stopped = error)
          yield* journal.fail(key, encodeFailure(error))
        }
        yield* CallEvent.emit(() => ({ _tag: "item-finished", index: ordinal, succeeded: Exit.isSuccess(exit) }))
      })
    )

  yield* pendingRows(job).pipe(
    Stream.takeWhile(goesOn),
    Stream.mapEffect(runRow, { concurrency: yield* Batch.fanOut(options), unordered: true }),
    Stream.runDrain
  )
  yield* sink.replaceWith(journal.outputs)

  const { done, failed } = yield* journal.counts
  const failures = yield* journal.failures.pipe(Stream.take(told), Stream.mapEffect(describeFailure), Stream.runCollect)
  return { total, done, failed, invalid, problems: [...problems, ...failures], stopped } satisfies Summary
}, Effect.scoped)

/** Takes up every row of the input; gives how many there are, and what is wrong with those that cannot be run. */
const claimRows = Effect.fnUntraced(function* <Row, Out, E, R>(job: Job<Row, Out, E, R>) {
  const journal = yield* Journal
  const problems: Array<string> = []
  let total = 0
  let invalid = 0
  const refuse = (problem: string) => {
    invalid += 1
    if (problems.length < told) problems.push(problem)
  }
  yield* Stream.runForEach(job.source.rows, (row) => {
    const ordinal = total++
    if (Result.isFailure(row)) return Effect.sync(() => refuse(row.failure.message))
    const key = job.key(row.success.value)
    return Effect.flatMap(journal.claim(key, ordinal), (state) => {
      if (state === "duplicate") refuse(duplicate(row.success.place, key))
      return state === "done" ? CallEvent.emit(() => ({ _tag: "item-skipped", index: ordinal })) : Effect.void
    })
  })
  yield* CallEvent.emit(() => ({ _tag: "items-counted", total: total - invalid }))
  return { total, invalid, problems }
})

interface PendingRow<Row> {
  readonly key: string
  readonly ordinal: number
  readonly row: Row
}

/** The rows that are to be run, in the order of the input. */
const pendingRows = <Row, Out, E, R>(job: Job<Row, Out, E, R>) =>
  job.source.rows.pipe(
    Stream.zipWithIndex,
    Stream.filterMap(([row, ordinal]) =>
      Result.map(row, ({ value }) => ({ key: job.key(value), ordinal, row: value }))
    ),
    Stream.filterEffect(({ key, ordinal }) => Journal.use((journal) => journal.isPending(key, ordinal)))
  )

const duplicate = (place: Dataset.Place, key: string) =>
  `${Dataset.at(place)}: the key "${key}" was there before; make keys unique, and run again`

/** What no other row will survive either: the run stops, and the row stays pending. */
const isReasonToStop = (error: unknown): error is ClaudeError =>
  error instanceof ClaudeError && stops.has(error.reason._tag)

const stops = new Set(["SpendLimitReached", "BillingFailed", "Unauthenticated", "ConnectionFailed"])

/** The line of a result: its fields after the key of its row, or `value` where it is no record. */
const lineOf = <Out>(output: Schema.ConstraintCodec<Out, unknown>, key: string, out: Out) =>
  Effect.map(Schema.encodeEffect(Schema.toCodecJson(output))(out), (encoded) =>
    JSON.stringify(Predicate.isObject(encoded) ? Object.assign({ key }, encoded, { key }) : { key, value: encoded })
  )

const Failure = Schema.fromJsonString(Schema.Struct({ error: Schema.String, message: Schema.String }))

const encodeFailure = (error: unknown): string => {
  const message = redact(error instanceof Error ? error.message : String(error))
  return Schema.encodeSync(Failure)({ error: tagOf(error), message })
}

const tagOf = (error: unknown): string => {
  if (error instanceof ClaudeError) return error.reason._tag
  return Predicate.hasProperty(error, "_tag") ? String(error._tag) : "Defect"
}

const describeFailure = ({ key, error }: { readonly key: string; readonly error: string }) =>
  Effect.map(Schema.decodeEffect(Failure)(error), ({ message }) => `${key}: ${message}`)
