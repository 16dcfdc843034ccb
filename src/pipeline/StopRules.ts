/**
 * Decides when a run stops because the remaining rows would fail too. Some failures prove this at once: no credit, a
 * refused key, a model that does not exist, an unreachable API. For all others, `maxAlike` consecutive rows must fail
 * alike. The rows that led to the stop stay pending. A row that fails as it did in an earlier run shows nothing about the
 * others, and does not count.
 */
import * as Cause from "effect/Cause"
import * as Schema from "effect/Schema"
import { ClaudeError, Reason } from "../claude/ClaudeError.ts"
import type { Redact } from "../claude/Redact.ts"
import { neverArrived } from "../claude/Unreachable.ts"
import { messageOf, tagOf } from "./RowFailure.ts"

/**
 * This many consecutive rows must fail alike. The number is large enough for jobs with many bad rows: where a third of
 * all rows fails alike, 16 in a row occur once in 43 million rows. It is small enough to be cheap: a hopeless run sends
 * at most 15 rows more than it has in flight.
 */
export const maxAlike = 16

/** Something other than Claude ended a run after its start, such as a full disk. The next run continues. */
export class JobBroken extends Schema.TaggedError<JobBroken>()("JobBroken", { detail: Schema.String }) {
  override get message() {
    return `the run broke off: ${this.detail}`
  }
}

/** The stop after a cause that is not Claude's. */
export const broken = (cause: Cause.Cause<unknown>): JobBroken =>
  new JobBroken({ detail: messageOf(Cause.squash(cause)) })

/** The last `rows` rows failed alike, so the run stopped. `reason` is set if Claude failed, and not the program. */
export class JobHopeless extends Schema.TaggedError<JobHopeless>()("JobHopeless", {
  rows: Schema.Int,
  detail: Schema.String,
  reason: Schema.optionalKey(Reason)
}) {
  override get message() {
    return `${this.rows} consecutive rows failed alike: ${this.detail}`
  }
}

/** The stop after `maxAlike` failures that are like this one. */
export const hopeless = (error: unknown, redact: Redact): JobHopeless => {
  const isRetryable = error instanceof ClaudeError && error.isRetryable
  return new JobHopeless({
    rows: maxAlike,
    detail: `${messageOf(error, redact)}${isRetryable ? "" : "; or catch this error in the step, to continue past such rows"}`,
    ...(error instanceof ClaudeError && { reason: error.reason })
  })
}

/** The step, or the layer of the job, uses a service that neither the run nor the job provides. */
export class JobNeeds extends Schema.TaggedError<JobNeeds>()("JobNeeds", { service: Schema.String }) {
  override get message() {
    return `the job uses the service "${this.service}", which nothing provides; add its layer to Job.make as \`layer\``
  }
}

/** Recognises Effect's defect for a missing service. */
export const missingService = (defect: unknown): JobNeeds | undefined => {
  const service = defect instanceof Error ? /^Service not found: (.+)$/.exec(defect.message)?.[1] : undefined
  return service === undefined ? undefined : new JobNeeds({ service })
}

/** Whether this failure alone proves that the other rows would fail too. */
export const isCertain = (error: unknown): error is ClaudeError => {
  if (!(error instanceof ClaudeError)) return false
  const { _tag, code, detail, requestId } = error.reason
  switch (_tag) {
    // The budget of a label or a step is no concern of other rows.
    case "BudgetExceeded":
      return error.reason.share === undefined
    case "BillingFailed":
    case "SpendLimitReached":
    case "Unauthenticated":
      return true
    // Someone canceled the batch, or the key is that of another workspace.
    case "BatchItemLost":
      return !error.isRetryable
    case "ConnectionFailed":
      return neverArrived(error) || code === "ETIMEDOUT"
    // A file or another resource of one row may be missing; the model is the same for all.
    case "NotFound":
      return /\bmodel\b/i.test(detail)
    // A firewall in front of the API may block the text of one row. Its answer has no request id.
    case "PermissionDenied":
      return requestId !== undefined || /\b(model|permission|have access)\b/i.test(detail)
    default:
      return false
  }
}

/** Failures of one kind are alike: same reason, status and detail, apart from ids and numbers. All outages are alike. */
export const kindOf = (error: unknown): string => {
  if (!(error instanceof ClaudeError)) return JSON.stringify([tagOf(error), withoutNumbers(messageOf(error))])
  if (error.isRetryable) return "outage"
  const { _tag, detail, status } = error.reason
  return JSON.stringify([_tag, status, withoutNumbers(detail)])
}

/**
 * Whether a row has failed as in an earlier run, where it had the reason `before`. An outage passes, and is no property of
 * a row.
 */
export const isRepeated = (error: unknown, before: string | undefined): boolean =>
  before === tagOf(error) && !(error instanceof ClaudeError && error.isRetryable)

/** Numbers, request ids, UUIDs and hashes become `#`. Linear in the length, as one pattern for all of it is not. */
const withoutNumbers = (text: string) => text.replace(/[\w-]+/g, (word) => (/\d/.test(word) ? "#" : word))
