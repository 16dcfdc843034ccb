/**
 * The rows of one run. Each row goes through the step with durable calls, and its result into the journal. `StopRules`
 * decide from the failures whether the run takes more rows.
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Stream from "effect/Stream"
import * as CallSite from "../claude/CallSite.ts"
import * as Demand from "../claude/Demand.ts"
import * as Event from "../claude/Event.ts"
import * as Redact from "../claude/Redact.ts"
import type { ReplyStore } from "../claude/ReplyStore.ts"
import * as Durable from "./Durable.ts"
import * as InFlight from "./InFlight.ts"
import * as InputColumns from "./InputColumns.ts"
import type { Job, Provided } from "./Job.ts"
import type { Journal } from "./Journal.ts"
import * as Minutes from "./Minutes.ts"
import type { PendingRow } from "./PendingRows.ts"
import * as Reach from "./Reach.ts"
import * as ResultLine from "./ResultLine.ts"
import * as RowCalls from "./RowCalls.ts"
import * as RowFailure from "./RowFailure.ts"
import * as RowTrace from "./RowTrace.ts"
import type { Stopped } from "./Run.ts"
import * as StopRules from "./StopRules.ts"
import * as Workers from "./Workers.ts"

/** When the run takes no more rows. */
export interface Limits {
  readonly limit?: number
  readonly maxFailures?: number
}

/** Starts with no row. At most `inFlight` calls are on the wire or have a reply that is not stored yet. */
export const make = <Row, Out, E>(
  job: Job<Row, Out, E>,
  journal: Journal["Service"],
  { limit = Infinity, maxFailures = Infinity }: Limits,
  inFlight: Effect.Effect<number>,
  clock: Clock.Clock,
  crew: Workers.Crew
) => {
  const minutes = Minutes.make(journal.minute)
  const pause = Effect.suspend(() => (stopped === undefined ? Workers.change(crew, { isPaused: true }) : Effect.void))
  const resume = Workers.change(crew, { isPaused: false })
  let stopped: Stopped | StopRules.JobNeeds | undefined
  let taken = 0
  let failed = 0
  const encode = ResultLine.encode(job.output)
  const pick = InputColumns.picker(job)
  const running = new Set<RowCalls.RowCalls>()
  /** The first reason holds, but a broken store is worse than any other. A limit ends no row that runs. */
  const hasStopped = () => stopped !== undefined && stopped !== "limit"
  /** The rows that fail now are no worse than those that have not run. */
  const isHopeless = () => hasStopped() && stopped !== "failures" && stopped !== "signal"

  const stop = (reason: NonNullable<typeof stopped>) =>
    Effect.sync(() => {
      const isBroken = stopped instanceof StopRules.JobBroken
      if (!hasStopped() || (reason instanceof StopRules.JobBroken && !isBroken)) stopped = reason
      for (const row of running) row.check()
    }).pipe(Effect.andThen(Workers.change(crew, { isPaused: false })))

  /** Whether the run takes one more row. */
  const takes = () => {
    if (stopped === undefined && taken++ === limit) stopped = "limit"
    return stopped === undefined
  }

  /** A failing store stops the run, and is no failure of a row. */
  const orStop = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.tapCause(effect, (cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : stop(StopRules.broken(cause))))

  const { wanted } = journal.replies
  const replies: ReplyStore = {
    find: (call) => orStop(journal.replies.find(call)),
    save: (answers) => orStop(journal.replies.save(answers)),
    intend: (intent) => orStop(journal.replies.intend(intent)),
    sent: (intent, batchId) => orStop(journal.replies.sent(intent, batchId)),
    ended: (intent) => orStop(journal.replies.ended(intent)),
    unfinished: orStop(journal.replies.unfinished),
    knows: (batchId) => orStop(journal.replies.knows(batchId)),
    wanted: wanted && {
      ...wanted,
      ask: (call, request) =>
        Effect.catchTag(wanted.ask(call, request), "ReplyStoreFailed", (error) => orStop(Effect.fail(error)))
    }
  }
  const shared: RowCalls.Run = {
    hasStopped,
    inFlight: InFlight.make(inFlight),
    save: (answer) => replies.save([answer]),
    reject: (call, request) => orStop(journal.reject(call, request)),
    spend: (cost) => orStop(journal.spend(cost)),
    lost: (key, attempt) => orStop(journal.lost(key, attempt)),
    reach: Reach.make(clock),
    unreachable: stop,
    minutes,
    clock
  }

  /** Stores something about a row, and then runs `next`. */
  const whenStored = <E>(store: Effect.Effect<void, E>, next: Effect.Effect<void>): Effect.Effect<void> =>
    Effect.matchCauseEffect(orStop(store), { onSuccess: () => next, onFailure: () => Effect.void })

  /** The latest failures, all of one kind. They become final as soon as a row ends differently. */
  let held: Array<Effect.Effect<void>> = []
  let kind: string | undefined
  /** Ends the series of failures at once, and returns the effect that stores them. */
  const release = (): Effect.Effect<void> => {
    if (isHopeless() || held.length === 0) return Effect.void
    const final = held
    held = []
    return Effect.all(final, { discard: true })
  }

  const fail = (error: unknown, before: string | undefined, redact: Redact.Redact, record: Effect.Effect<void>) => {
    if (isHopeless()) return Effect.void
    const needs = StopRules.missingService(error)
    if (needs !== undefined) return stop(needs)
    if (StopRules.isCertain(error)) return stop(error)
    failed += 1
    if (StopRules.isRepeated(error, before))
      return failed >= maxFailures ? Effect.andThen(stop("failures"), record) : record
    const earlier = StopRules.kindOf(error) === kind ? Effect.void : release()
    kind = StopRules.kindOf(error)
    held.push(record)
    if (held.length >= StopRules.maxAlike && !hasStopped()) return stop(StopRules.hopeless(error, redact))
    return failed >= maxFailures ? Effect.andThen(stop("failures"), earlier) : earlier
  }

  const run = (row: PendingRow<Row>) =>
    Effect.withFiber((fiber) => {
      const { key, ordinal } = row
      const calls = RowCalls.make(shared, row, () => fiber.interruptUnsafe())
      running.add(calls)
      const site = { ...fiber.getRef(CallSite.CallSite), job: job.name, row: key }
      const emit = (failure?: string) =>
        Event.emit(() => ({
          _tag: "row-finished",
          index: ordinal,
          succeeded: failure === undefined,
          ...(failure !== undefined && { failure })
        }))
      const columns = () => Result.getOrUndefined(pick(key, row.encoded))
      const line = Effect.flatMap(
        Effect.suspend(() => job.step(row.row)),
        (out) => encode(key, out, columns())
      )
      const isLost = () => row.lease?.isHeld() === false
      const finish = (line: string): Effect.Effect<Exit.Exit<void, unknown>> => {
        if (isLost()) return Effect.succeed(Exit.void)
        const earlier = release()
        const stored = Effect.andThen(emit(), earlier)
        return Effect.as(whenStored(RowTrace.storing(journal.finish(key, line)), stored), Exit.void)
      }
      const record = (cause: Cause.Cause<unknown>) => {
        if (isLost()) return Effect.void
        const error = Cause.squash(cause)
        const redact = fiber.getRef(Redact.Redactor)
        return Effect.flatMap(DateTime.nowAsDate, (now) => {
          const failure = RowFailure.encode(error, redact, calls.bill(now), columns())
          return fail(
            error,
            row.failedWith,
            redact,
            whenStored(journal.fail(key, failure), emit(RowFailure.lineOf(key, error, redact)))
          )
        })
      }
      return Effect.uninterruptibleMask(
        (restore) =>
          Effect.matchCauseEffect(restore(line), {
            onSuccess: finish,
            onFailure: (cause) => Effect.succeed(Exit.failCause(cause))
          }).pipe(
            RowTrace.trace,
            Effect.updateContext((outer: Context.Context<Provided>) => Context.add(outer, CallSite.CallSite, site)),
            Durable.inRow(calls),
            Effect.map((exit) => {
              running.delete(calls)
              return exit
            })
          )
        // A row that was interrupted ends here. In any other, an interruption is one of the step.
      ).pipe(
        Effect.flatMap((exit) => (Exit.isSuccess(exit) ? Effect.void : Effect.uninterruptible(record(exit.cause))))
      )
    })

  const runAndEnd = (row: PendingRow<Row>) => {
    const { lease } = row
    return lease === undefined ? run(row) : Effect.ensuring(run(row), lease.ended)
  }

  /** Runs pending rows until there are no more, or the run stops. */
  const work = <E2, R>(rows: Stream.Stream<PendingRow<Row>, E2, R>) =>
    Demand.provide(Workers.run(Demand.source(rows), { crew, takes, work: (row) => Demand.running(runAndEnd(row)) }))

  return {
    work,
    pause,
    resume,
    settle: Effect.suspend(release),
    flush: minutes.flush,
    stop,
    /** Abandons the rows whose lease is lost, where nothing would be lost with them. */
    check: () => {
      for (const row of running) row.check()
    },
    orStop,
    replies,
    stopped: () => stopped
  }
}
