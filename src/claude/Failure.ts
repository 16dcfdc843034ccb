/**
 * From what went wrong to its reason: answers that say they failed, error events, and whatever the SDK or a fetch threw.
 * Told apart by `error_code`, `type` and status, never by message text.
 */
import { APIConnectionError, APIConnectionTimeoutError, APIError, AnthropicError } from "@anthropic-ai/sdk/error"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import {
  BillingFailed,
  CassetteMiss,
  ClaudeError,
  Conflict,
  ConnectionFailed,
  type Facts,
  InvalidRequest,
  MalformedResponse,
  NotFound,
  Overloaded,
  PermissionDenied,
  RateLimited,
  RequestTooLarge,
  ServerFailed,
  SpendLimitReached,
  TimedOut,
  Unauthenticated
} from "./ClaudeError.ts"
import * as RateLimits from "./RateLimits.ts"
import * as ErrorBody from "./ErrorBody.ts"
import * as Json from "./Json.ts"
import { redact } from "./Redact.ts"
import type { Usage } from "./Usage.ts"

/** What an error said of itself, before it has a reason. */
export interface Failure {
  readonly status?: number | undefined
  readonly type?: string | null | undefined
  readonly code?: string | null | undefined
  readonly detail: string
  /** The id in the body, for answers without the header. */
  readonly requestId?: string | undefined
  readonly headers?: Headers | undefined
  readonly usage?: Usage | undefined
}

/** The error of an answer that says it failed: by `error_code`, then `type`, then status; never by message text. */
export const fromFailure = (failure: Failure): ClaudeError => {
  const headers = failure.headers
  const requestId = headers?.get("request-id") ?? failure.requestId
  const retryAfter = headers && retryAfterOf(headers)
  const shouldRetry = headers?.get("x-should-retry")
  const rateLimits = headers && RateLimits.fromHeaders(headers)
  return new ClaudeError({
    reason: new (classOf(failure))({
      detail: bounded(redact(failure.detail)),
      ...(failure.status !== undefined && { status: failure.status }),
      ...(failure.code && { code: failure.code }),
      ...(requestId && { requestId }),
      ...(retryAfter && { retryAfter }),
      ...((shouldRetry === "true" || shouldRetry === "false") && { shouldRetry: shouldRetry === "true" }),
      ...(rateLimits && { rateLimits }),
      ...(failure.usage && { usage: failure.usage })
    })
  })
}

/** A gateway may send a whole page. */
const maxLength = 500

const bounded = (text: string) => (text.length <= maxLength ? text : `${text.slice(0, maxLength).toWellFormed()}…`)

/** The error that a body reports, such as that of an `error` event in the middle of a stream, which has no status. */
export const fromErrorBody = (body: unknown, headers: Headers, others: ErrorFacts = {}): ClaudeError => {
  const { detail, status: named, ...facts } = ErrorBody.read(body)
  const status = others.status !== undefined && others.status >= 400 ? others.status : (named ?? others.status)
  const silent = status === undefined ? "an error without a description" : `HTTP status ${status}`
  return fromFailure({ ...facts, usage: others.usage, status, detail: detail ?? silent, headers })
}

interface ErrorFacts {
  readonly status?: number | undefined
  readonly usage?: Usage | undefined
}

/** The error of an answer with status 200 that is not what was asked for: it reports an error, or comes from elsewhere. */
export const fromUnexpected = (what: string, body: string, response: Response): ClaudeError => {
  const { headers, status } = response
  const data = Json.parse(body)
  if (ErrorBody.isError(data)) return fromErrorBody(data, headers, { status })
  const type = headers.get("content-type") ?? "no content type"
  const title = ErrorBody.titleOf(body)
  const requestId = headers.get("request-id")
  const got = `${data === undefined ? "no JSON" : "other JSON"} (${type})${title === undefined ? "" : `, titled "${title}"`}`
  return malformed(`expected ${what}, got ${got}`, { status, ...(requestId !== null && { requestId }) })
}

/** An answer with an error status. The SDK keeps a body that is no JSON in its message only. */
const fromApiError = (failed: APIError): ClaudeError => {
  const { error, headers, message, status } = failed
  const text = message.replace(`${status} `, "")
  const body: unknown = error ?? (text === "status code (no body)" ? undefined : text)
  return fromErrorBody(body, headers ?? new Headers(), { status })
}

/** The error of whatever the SDK or a fetch threw. */
export const fromUnknown = (error: unknown): ClaudeError => {
  if (error instanceof ClaudeError) return error
  if (error instanceof APIConnectionTimeoutError) {
    return new ClaudeError({ reason: new TimedOut({ detail: "no connection in time" }) })
  }
  if (error instanceof APIConnectionError) return connectionFailed(error.cause ?? error)
  if (error instanceof APIError) return fromApiError(error)
  if (error instanceof SyntaxError) return malformed("expected JSON, got something else")
  if (error instanceof Error && (error instanceof AnthropicError || !isOfNetwork(error))) {
    return new ClaudeError({ reason: new InvalidRequest({ detail: redact(error.message) }) })
  }
  return connectionFailed(error)
}

/** What came from the network has a cause or a code of the system. The rest was never sent, such as without a key. */
const isOfNetwork = (error: Error) => error.cause !== undefined || Predicate.hasProperty(error, "code")

/** An answer that is not the API's. */
export const malformed = (detail: string, others: Partial<Facts> = {}): ClaudeError =>
  new ClaudeError({ reason: new MalformedResponse({ ...others, detail: redact(detail) }) })

const connectionFailed = (cause: unknown): ClaudeError => {
  const innermost = rootOf(cause)
  const code = Predicate.hasProperty(innermost, "code") && String(innermost.code)
  const detail = redact(innermost instanceof Error ? innermost.message : String(innermost))
  // Such as ERR_INVALID_URL: no server was asked, and none ever will be.
  const neverSent = code && code.startsWith("ERR_INVALID_")
  return new ClaudeError({
    reason: new (neverSent ? InvalidRequest : ConnectionFailed)({ detail, ...(code && { code }) })
  })
}

/** Where a host has several addresses, each failed on its own: the first one speaks for all. */
const rootOf = (error: unknown): unknown => {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0])
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error
}

const spendLimits = new Set([
  "enforced_spend_limit_reached",
  "contract_spend_limit_reached",
  "linked_organization_spend_limit_reached"
])

/** Types in camel case are exceptions of Bedrock in the middle of a stream, which have no status. */
const classOf = ({ status, type, code }: Failure) => {
  if (code && spendLimits.has(code)) return SpendLimitReached
  switch (type) {
    case "rate_limit_error":
    case "throttlingException":
      return RateLimited
    case "overloaded_error":
      return Overloaded
    case "authentication_error":
      return Unauthenticated
    case "permission_error":
      return PermissionDenied
    case "billing_error":
      return BillingFailed
    case "not_found_error":
      return NotFound
    case "timeout_error":
    case "modelTimeoutException":
      return TimedOut
    case "conflict_error":
      return Conflict
    case "request_too_large":
      return RequestTooLarge
    // A cassette's own word.
    case "cassette_miss":
      return CassetteMiss
  }
  switch (status) {
    case 401:
      return Unauthenticated
    case 402:
      return BillingFailed
    case 403:
      return PermissionDenied
    case 404:
      return NotFound
    case 408:
      return TimedOut
    case 409:
      return Conflict
    case 413:
      return RequestTooLarge
    case 429:
      return RateLimited
    case 529:
      return Overloaded
  }
  if (
    type === "invalid_request_error" ||
    type === "validationException" ||
    (status !== undefined && status >= 400 && status < 500)
  )
    return InvalidRequest
  return ServerFailed
}

/**
 * `retry-after-ms`, or `retry-after` in seconds or as a date. A date is read against the `date` header of the same answer,
 * so that clocks which disagree do no harm; without one, against the clock of this machine, by `Date.now` and not `Clock`:
 * the server that named the date knows nothing of a test's time.
 */
const retryAfterOf = (headers: Headers): Duration.Duration | undefined => {
  const milliseconds = headers.get("retry-after-ms")
  if (milliseconds !== null && Number.isFinite(Number(milliseconds))) return positive(Number(milliseconds))
  const after = headers.get("retry-after")
  if (after === null) return undefined
  if (Number.isFinite(Number(after))) return positive(Number(after) * 1000)
  return positive(Date.parse(after) - (Date.parse(headers.get("date") ?? "") || Date.now()))
}

const positive = (milliseconds: number) => (milliseconds > 0 ? Duration.millis(milliseconds) : undefined)
