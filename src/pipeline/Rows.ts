/**
 * The rows of one run. Each row goes through the step, and its result into the journal and the output. `StopRules`
 * decide from the failures whether the run takes more rows.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as CallSite from "../claude/CallSite.ts"
import * as Event from "../claude/Event.ts"
import * as Redact from "../claude/Redact.ts"
import type * as Dataset from "./Dataset.ts"
import type { Job } from "./Job.ts"
import type { Journal, JournalFailed } from "./Journal.ts"
import type { KeyedRow } from "./KeyedRow.ts"
import * as ResultLine from "./ResultLine.ts"
import * as RowCalls from "./RowCalls.ts"
import * as RowFailure from "./RowFailure.ts"
import * as RowTrace from "./RowTrace.ts"
import type { Summary } from "./Run.ts"
import * as StopRules from "./StopRules.ts"

/** Starts with no row. It takes at most `limit` rows. */
export const make = <Row, Out, E>(
  job: Job<Row, Out, E>,
  journal: Journal["Service"],
  sink: Dataset.Writer,
  limit: number | undefined
) => {
  let stopped: Summary["stopped"] | StopRules.JobNeeds
  let taken = 0
  const encode = ResultLine.encode(job.output)
  const running = new Set<RowCalls.RowCalls>()
  const hasFailed = () => stopped !== undefined && stopped !== "limit"

  const stop = (reason: NonNullable<typeof stopped>) =>
    Effect.sync(() => {
      stopped = reason
      for (const row of running) row.check()
    })

  const takesMore = () => {
    if (stopped === undefined && taken++ === limit) stopped = "limit"
    return stopped === undefined
  }

  /** The latest failures, all of one kind. They become final as soon as a row ends differently. */
  let held: Array<Effect.Effect<void, JournalFailed>> = []
  let kind: string | undefined
  /** Ends the series of failures at once, and returns the effect that stores them. */
  const release = (): Effect.Effect<void, JournalFailed> => {
    if (hasFailed()) return Effect.void
    const final = held
    held = []
    return Effect.all(final, { discard: true })
  }

  const fail = (error: unknown, redact: Redact.Redact, record: Effect.Effect<void, JournalFailed>) => {
    if (hasFailed()) return Effect.void
    const needs = StopRules.missingService(error)
    if (needs !== undefined) return stop(needs)
    if (StopRules.isCertain(error)) return stop(error)
    const earlier = StopRules.kindOf(error) === kind ? Effect.void : release()
    kind = StopRules.kindOf(error)
    held.push(record)
    return held.length < StopRules.maxAlike ? earlier : stop(StopRules.hopeless(error, redact))
  }

  const run = ({ key, ordinal, row }: KeyedRow<Row>) =>
    Effect.uninterruptibleMask(
      Effect.fnUntraced(function* (restore) {
        if (hasFailed()) return
        let earlier: Effect.Effect<void, JournalFailed> = Effect.void
        const emit = (succeeded: boolean) => Event.emit(() => ({ _tag: "row-finished", index: ordinal, succeeded }))
        const calls = RowCalls.make(hasFailed)
        running.add(calls)
        const line = Effect.flatMap(job.step(row), (out) => encode(key, out))
        const store = (line: string) => {
          earlier = release()
          const emulated = calls.isEmulated()
          return (emulated === undefined ? Effect.void : journal.answered(emulated)).pipe(
            Effect.andThen(journal.finish(key, line)),
            Effect.andThen(sink.append(line)),
            Effect.withSpan("store")
          )
        }
        const exit = yield* Effect.exit(restore(calls.run(line))).pipe(
          Effect.tap((exit) =>
            Exit.isSuccess(exit) && Option.isSome(exit.value) ? store(exit.value.value) : Effect.void
          ),
          RowTrace.trace,
          CallSite.row(job.name, key)
        )
        running.delete(calls)
        if (Exit.isSuccess(exit)) {
          if (Option.isNone(exit.value)) return
          yield* emit(true)
          return yield* earlier
        }
        if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
        const error = Cause.squash(exit.cause)
        const redact = yield* Redact.Redactor
        yield* fail(error, redact, Effect.andThen(journal.fail(key, RowFailure.encode(error, redact)), emit(false)))
      })
    )

  return { takesMore, run, settle: Effect.suspend(release), stop, stopped: () => stopped }
}
