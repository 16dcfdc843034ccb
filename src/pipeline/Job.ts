/**
 * A job: rows in, one step on each, rows out; as a declaration, so that it can be run direct, resumed, counted and
 * shown. Rows stream through: memory does not grow with the data. What is finished is in the journal, and the output
 * is written from there, so the two never disagree, and nothing that is finished is run again.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as Attributes from "../claude/Attributes.ts"
import * as Event from "../claude/Event.ts"
import * as CallSite from "../claude/CallSite.ts"
import { ClaudeError } from "../claude/ClaudeError.ts"
import * as Redact from "../claude/Redact.ts"
import { isEmulated } from "../claude/Reply.ts"
import * as Batch from "./Batch.ts"
import * as Dataset from "./Dataset.ts"
import { Journal, type JournalFailed, JournalMixed } from "./Journal.ts"
import * as ResultLine from "./ResultLine.ts"
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
  /** How a result is written. It has no field `key`: each line has the key of its row there. */
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
  /** Rows that are still to do; there are some only where the run stopped before the end. */
  readonly pending: number
  /** Rows that cannot be read, or have no key, or one that was there before. */
  readonly invalid: number
  /** What is wrong with them, in words, for the first of both kinds. */
  readonly problems: ReadonlyArray<string>
  /** Whether the emulator answered, and not Claude: in this run, or in an earlier one. */
  readonly emulated: boolean
  /** Why it stopped before the end; `input`: rows that were there at first were not there again. */
  readonly stopped: ClaudeError | JobBroken | "limit" | "input" | undefined
}

/** Something else than Claude ended a run after its start: the disk, the source. The next run goes on from there. */
export class JobBroken extends Schema.TaggedError<JobBroken>()("JobBroken", { detail: Schema.String }) {
  override get message() {
    return `the run broke off: ${this.detail}`
  }
}

/** So many problems of each kind are told in the summary; the journal has them all. */
const told = 20

/** When so many rows in succession have failed for a passing reason, it has not passed: the others would fail too. */
const outage = 16

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

/** What makes old results unfit when it changes: the names of the steps, and the form of a result. No prompts yet. */
export const shape = <Row, Out, E, R>(job: Job<Row, Out, E, R>): Schema.JsonObject => ({
  steps: draw(job.step.shape),
  output: toJson(Schema.toJsonSchemaDocument(job.output))
})

const toJson = Schema.decodeUnknownSync(Schema.Json)

/**
 * Runs a job. The input is read once before anything is sent, so that broken rows are known at the start; then every
 * row that is not done goes through the step. Out of money, without access, or when Claude is away for longer, the run
 * stops and the rest stays pending. Once it has begun it fails only where not even the journal can be read.
 */
export const run = Effect.fn("Job.run")(function* <Row, Out, E, R>(job: Job<Row, Out, E, R>, options: RunOptions = {}) {
  const journal = yield* Journal
  const output = options.output ?? job.sink
  const unfit = (detail: string) => new Dataset.DatasetFailed({ path: output, detail })
  const begin = Effect.gen(function* () {
    yield* Dataset.keepApart(job.source, output)
    if (ResultLine.hasKey(job.output)) return yield* unfit(keyIsTaken)
    const claimed = yield* claimRows(job)
    const sink = yield* Dataset.writeLines(output)
    if (claimed.done === 0 && !(yield* sink.isEmpty)) return yield* unfit(unknownLines)
    yield* sink.replaceWith(journal.outputs)
    return { ...claimed, sink }
  })
  const { invalid, problems, sink, total } = yield* journal.begin(begin)

  let stopped: Summary["stopped"]
  let taken = 0
  const goesOn = () => {
    if (stopped === undefined && taken++ === options.limit) stopped = "limit"
    return stopped === undefined
  }

  /** Failures that are kept back while they may be those of an outage, whose rows stay pending. */
  const held: Array<Effect.Effect<void, JournalFailed>> = []
  const settle = Effect.suspend(() =>
    stopped instanceof ClaudeError ? Effect.void : Effect.all(held.splice(0), { discard: true })
  )

  const runRow = ({ key, ordinal, row }: KeyedRow<Row>) =>
    Effect.uninterruptibleMask(
      Effect.fnUntraced(function* (restore) {
        const tell = (succeeded: boolean) => Event.emit(() => ({ _tag: "row-finished", index: ordinal, succeeded }))
        let emulated: boolean | undefined
        const hear: Event.Listener = (event) =>
          Effect.sync(() => {
            if (event._tag === "call-finished" || event._tag === "call-hit") emulated ||= isEmulated(event.requestId)
          })
        const line = Effect.flatMap(job.step(row), (out) => ResultLine.encode(job.output, key, out))
        const store = (line: string) =>
          Effect.withSpan(Effect.andThen(journal.finish(key, line, emulated), sink.append(line)), "store")
        const exit = yield* Effect.exit(restore(Event.listen(hear)(line))).pipe(
          Effect.tap((exit) => (Exit.isSuccess(exit) ? store(exit.value) : Effect.void)),
          traced,
          CallSite.row(job.name, key)
        )
        if (Exit.isSuccess(exit)) {
          yield* tell(true)
          return yield* settle
        }
        if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
        const error = Cause.squash(exit.cause)
        if (isReasonToStop(error)) return void (stopped = error)
        held.push(Effect.andThen(journal.fail(key, encodeFailure(error)), tell(false)))
        if (!isPassing(error)) return yield* settle
        if (held.length >= outage) stopped = error
      })
    )

  /** While it may be that somebody else answers than before, rows go one at a time: no more than one is asked in vain. */
  const ahead = Semaphore.makeUnsafe(1)
  const inTurn = (row: KeyedRow<Row>) =>
    Effect.flatMap(journal.mayMix, (mayMix) => {
      if (!mayMix) return runRow(row)
      const going = Effect.flatMap(journal.mayMix, (mayMix) => {
        if (stopped !== undefined) return Effect.succeed(true)
        return mayMix ? Effect.as(runRow(row), true) : Effect.succeed(false)
      })
      return Effect.flatMap(ahead.withPermit(going), (gone) => (gone ? Effect.void : runRow(row)))
    })

  yield* pendingRows(job).pipe(
    Stream.takeWhile(goesOn),
    Stream.mapEffect(inTurn, { concurrency: yield* Batch.fanOut(options), unordered: true }),
    Stream.runDrain,
    Effect.andThen(settle),
    Effect.andThen(sink.replaceWith(journal.outputs)),
    orBroken,
    Effect.catchTag("JobBroken", (broken) => Effect.sync(() => void (stopped = broken)))
  )
  return yield* orBroken(
    Effect.gen(function* () {
      const { done, failed, pending } = yield* journal.counts
      const failures = yield* journal.failures.pipe(
        Stream.take(told),
        Stream.mapEffect(describeFailure),
        Stream.runCollect
      )
      stopped ??= pending > 0 ? "input" : undefined
      const counts = { total, done, failed, pending, invalid }
      const emulated = yield* journal.emulated
      return { ...counts, problems: [...problems, ...failures], emulated, stopped } satisfies Summary
    })
  )
}, Effect.scoped)

const keyIsTaken = `each line has the key of its row as "key", which the results have too; rename it in the output schema`

const unknownLines = "has lines that this state does not know; move it away, or name another with --output"

/** Whatever else ends the effect, but an interruption, is what broke the run off. */
const orBroken = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, JobBroken | JournalMixed, R> =>
  Effect.catchCause(effect, (cause) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
    const error = Cause.squash(cause)
    return Effect.fail(error instanceof JournalMixed ? error : new JobBroken({ detail: wordsOf(error) }))
  })

/** Each row has a trace of its own, linked to that of the run, in which a million rows would be of no use to anybody. */
const traced = <A, E, E2, R>(row: Effect.Effect<Exit.Exit<A, E>, E2, R>) =>
  Effect.acquireUseRelease(
    Effect.withFiber((fiber) => {
      const run = Option.toArray(Context.getOption(fiber.context, Tracer.ParentSpan))
      const site = fiber.getRef(CallSite.CallSite)
      return Effect.makeSpan(`row ${site.job}`, {
        root: true,
        links: run.map((span) => ({ span, attributes: {} })),
        attributes: Attributes.redacted(Attributes.ofSite(site), fiber.getRef(Redact.Redactor))
      })
    }),
    (span) => Effect.provideService(row, Tracer.ParentSpan, span),
    (span, exit) =>
      Effect.withFiber((fiber) => {
        const end: Exit.Exit<unknown, unknown> = Exit.isSuccess(exit) ? exit.value : exit
        span.end(fiber.getRef(Clock.Clock).currentTimeNanosUnsafe(), Redact.exit(end, fiber.getRef(Redact.Redactor)))
        return Effect.void
      })
  )

/** Takes up every row of the input; gives how many there are, and what is wrong with those that cannot be run. */
const claimRows = Effect.fnUntraced(function* <Row, Out, E, R>(job: Job<Row, Out, E, R>) {
  const journal = yield* Journal
  const problems: Array<string> = []
  let total = 0
  let done = 0
  let invalid = 0
  const refuse = (problem: string) => {
    invalid += 1
    if (problems.length < told) problems.push(problem)
  }
  yield* Stream.runForEach(keyedRows(job), (row) => {
    total += 1
    if (Result.isFailure(row)) return Effect.sync(() => refuse(row.failure.message))
    const { key, ordinal, place } = row.success
    return Effect.flatMap(journal.claim(key, ordinal), (state) => {
      if (state === "duplicate") refuse(duplicate(place, key))
      if (state !== "done") return Effect.void
      done += 1
      return Event.emit(() => ({ _tag: "row-skipped", index: ordinal }))
    })
  })
  yield* Event.emit(() => ({ _tag: "rows-counted", total: total - invalid }))
  return { total, done, invalid, problems }
})

interface KeyedRow<Row> {
  readonly key: string
  readonly ordinal: number
  readonly place: Dataset.Place
  readonly row: Row
}

/** The rows of the input with their keys; one without a key is as invalid as one that cannot be read. */
const keyedRows = <Row, Out, E, R>(job: Job<Row, Out, E, R>) =>
  Stream.map(job.source.rows, (row, ordinal) =>
    Result.flatMap(row, ({ place, value }) =>
      Result.try({
        try: (): KeyedRow<Row> => ({ key: job.key(value), ordinal, place, row: value }),
        catch: (error) => new Dataset.RowInvalid({ place, detail: `its key cannot be told: ${wordsOf(error)}` })
      })
    )
  )

/** The rows that are to be run, in the order of the input. */
const pendingRows = <Row, Out, E, R>(job: Job<Row, Out, E, R>) =>
  keyedRows(job).pipe(
    Stream.filterMap((row) => row),
    Stream.filterEffect(({ key, ordinal }) => Journal.use((journal) => journal.isPending(key, ordinal)))
  )

const duplicate = (place: Dataset.Place, key: string) =>
  `${Dataset.at(place)}: the key "${key}" was there before; make keys unique, and run again`

/** What no other row will survive either: the run stops, and the row stays pending. */
const isReasonToStop = (error: unknown): error is ClaudeError =>
  error instanceof ClaudeError && stops.has(error.reason._tag)

const stops = new Set(["SpendLimitReached", "BillingFailed", "Unauthenticated", "ConnectionFailed"])

/** What may be over when the row is tried again. */
const isPassing = (error: unknown): error is ClaudeError => error instanceof ClaudeError && error.isRetryable

const Failure = Schema.fromJsonString(Schema.Struct({ error: Schema.String, message: Schema.String }))

const encodeFailure = (error: unknown): string =>
  Schema.encodeSync(Failure)({ error: tagOf(error), message: wordsOf(error) })

const wordsOf = (error: unknown) => Redact.redact(error instanceof Error ? error.message : String(error))

const tagOf = (error: unknown): string => {
  if (error instanceof ClaudeError) return error.reason._tag
  return Predicate.hasProperty(error, "_tag") ? String(error._tag) : "Defect"
}

const describeFailure = ({ key, error }: { readonly key: string; readonly error: string }) =>
  Effect.map(Schema.decodeEffect(Failure)(error), ({ message }) => `${key}: ${message}`)
