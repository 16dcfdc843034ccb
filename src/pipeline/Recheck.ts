/**
 * Notices that the program has changed since it finished rows: some of these rows go through today's step, and their calls
 * are answered only from the stored replies. A request that is not stored, or another result, is a change. Nothing is sent.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as CallSite from "../claude/CallSite.ts"
import * as Event from "../claude/Event.ts"
import * as Redact from "../claude/Redact.ts"
import type { CallKey } from "../claude/ReplyStore.ts"
import type { Request } from "../claude/Request.ts"
import * as Durable from "./Durable.ts"
import type { Job } from "./Job.ts"
import * as InputColumns from "./InputColumns.ts"
import { Journal, requestText, type SampledRow, type StoredCall } from "./Journal.ts"
import type { KeyedRow } from "./KeyedRow.ts"
import * as Difference from "./recheck/Difference.ts"
import * as FirstRequest from "./recheck/FirstRequest.ts"
import * as ResultLine from "./ResultLine.ts"
import * as RowFailure from "./RowFailure.ts"
import * as RowKey from "./RowKey.ts"
import * as StopRules from "./StopRules.ts"

export { FirstRequest, of as firstRequest } from "./recheck/FirstRequest.ts"

/** The program has changed since it finished rows. The run stopped before it sent or stored anything. */
export class JobChanged extends Schema.TaggedError<JobChanged>()("JobChanged", {
  job: Schema.String,
  /** What has changed, in words. */
  detail: Schema.String
}) {
  /** What happened, without what to do. */
  get summary() {
    return `the job "${this.job}" has changed since it finished rows: ${this.detail}`
  }
  override get message() {
    const keep = 'run with changed "keep" to keep their results'
    return `${this.summary}; ${keep}, or with "rerun" to run every row again, which pays only for calls that have changed`
  }
}

/** How many rows are checked. */
export const size = 8

/** A row that takes longer, for what it does besides its calls, is not judged. */
const longest = "10 seconds"

/** A finished row, and what the input has of it. */
interface Sampled<Row> {
  readonly stored: SampledRow
  readonly row: KeyedRow<Row>
}

/**
 * Fails with `JobChanged` if the shape of the job has changed, or if one of the sampled rows would now have another result
 * or ask for what is not stored. `found` are those that the input still has.
 */
export const check = Effect.fnUntraced(function* <Row, Out, E>(
  job: Job<Row, Out, E>,
  sample: ReadonlyArray<SampledRow>,
  found: ReadonlyArray<KeyedRow<Row>>
) {
  const { differences } = yield* Journal
  if (differences.length > 0) return yield* new JobChanged({ job: job.name, detail: differences.join(", ") })
  const rows = new Map(found.map((row) => [row.key, row]))
  const replay = replaying(job)
  yield* Effect.forEach(
    sample,
    Effect.fnUntraced(function* (stored) {
      const row = rows.get(stored.key)
      if (row === undefined) return
      const change = yield* replay({ stored, row }, "skip")
      // Where the row had not failed before it was finished, its rejected replies belong to its path.
      const hasRejected = stored.replies.some(({ isRejected }) => isRejected)
      if (change === undefined || (hasRejected && (yield* replay({ stored, row }, "replay")) === undefined)) return
      const redact = yield* Redact.Redactor
      return yield* new JobChanged({ job: job.name, detail: redact(`in row "${RowKey.show(row.key)}", ${change}`) })
    }),
    { concurrency: size, discard: true }
  )
})

/** A process works on a job that is not the one that was submitted. It has taken no row. */
export class JobDiffers extends Schema.TaggedError<JobDiffers>()("JobDiffers", {
  job: Schema.String,
  /** How it differs, in words. */
  detail: Schema.String
}) {
  override get message() {
    return (
      `the job "${this.job}" is not the one that was submitted: ${this.detail}; use the same file, or submit the job again ` +
      "from this one"
    )
  }
}

/** Fails with `JobDiffers` if the shape of the job is not that of the submitted one, or its first request for a row. */
export const compare = Effect.fnUntraced(function* <Row, Out, E>(
  job: Job<Row, Out, E>,
  submitted: FirstRequest.FirstRequest | undefined,
  row: Row | undefined
) {
  const redact = yield* Redact.Redactor
  const differs = (detail: string) => new JobDiffers({ job: job.name, detail: redact(detail) })
  const { differences } = yield* Journal
  if (differences.length > 0) return yield* differs(differences.join(", "))
  if (submitted === undefined || row === undefined) return
  const change = FirstRequest.difference(submitted, yield* FirstRequest.of(job, submitted.key, row))
  if (change !== undefined) return yield* differs(change)
})

/** Puts a row through the step. Returns what has changed, in words. Fails where nothing provides a service of the step. */
const replaying = <Row, Out, E>(job: Job<Row, Out, E>) => {
  const encode = ResultLine.encode(job.output)
  const pick = InputColumns.picker(job)
  return Effect.fnUntraced(function* (
    { row: { encoded, key, row }, stored }: Sampled<Row>,
    rejected: Durable.Rejected
  ) {
    const used = new Set<StoredCall>()
    let missing: string | undefined
    let isUnknown = false
    const slots = Durable.slots(stored.replies, rejected)
    const calls: Durable.Row = {
      key,
      slots: {
        take: (path, hash) => {
          const slot = slots.take(path, hash)
          for (const call of stored.replies) if (call.reply === slot.stored) used.add(call)
          return slot
        }
      },
      begin: (call, request) => {
        missing ??= explain(call, request, stored.replies, used)
        return undefined
      },
      abandoned: Effect.interrupt,
      save: () => Effect.void,
      reject: () => Effect.void,
      replayed: () => undefined,
      // A handler whose failure was raised has no stored result. What the step did after it cannot be checked.
      // Results that are never stored are made again, as in a run.
      handlers: { ...Durable.noHandlers(() => (isUnknown = true)), mayRunAgain: () => true }
    }
    const exit = yield* Effect.suspend(() => job.step(row)).pipe(
      Effect.flatMap((out) => encode(key, out, Result.getOrUndefined(pick(key, encoded)))),
      Durable.inRow(calls),
      Effect.provideService(Event.Listener, undefined),
      CallSite.row(job.name, key),
      // A check is no work on the row, and must not look like it.
      Effect.withTracerEnabled(false),
      Effect.exit,
      Effect.timeoutOrElse({ duration: longest, orElse: () => Effect.succeed(Exit.succeed(stored.output)) })
    )
    if (missing !== undefined || isUnknown) return missing
    if (Exit.isFailure(exit)) {
      const error = Cause.squash(exit.cause)
      const needs = StopRules.missingService(error)
      return needs === undefined ? `the step now fails: ${RowFailure.messageOf(error)}` : yield* needs
    }
    return exit.value === stored.output
      ? undefined
      : `the result differs: ${Difference.first(stored.output, exit.value)}`
  })
}

/** Describes a call that has no stored reply. The most similar stored call of its path shows the difference. */
const explain = (
  { path }: CallKey,
  request: Request,
  stored: ReadonlyArray<StoredCall>,
  used: ReadonlySet<StoredCall>
): string => {
  const now = requestText(request)
  const place = `the request of ${path === "" ? "a call outside of any step" : `the step "${path}"`}`
  let closest: string | undefined
  for (const call of stored) {
    if (call.path !== path || used.has(call) || call.request === undefined) continue
    if (closest === undefined || similarity(call.request, now) > similarity(closest, now)) closest = call.request
  }
  return closest === undefined
    ? `${place} is new: it is not among the stored calls`
    : `${place} differs: ${Difference.first(closest, now)}`
}

/** The characters that two texts share at their starts and ends. */
const similarity = (one: string, other: string): number => {
  const shorter = Math.min(one.length, other.length)
  let start = 0
  while (start < shorter && one[start] === other[start]) start += 1
  let end = 0
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end += 1
  return start + end
}
