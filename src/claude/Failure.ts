/**
 * Finds the reason of a failure: an answer with an error, an error event, or an error that the SDK or a fetch threw.
 * The reason follows from `error_code`, `type` and status. Only three refusals are recognized by their text, since they
 * have no code.
 */
import type { APIError } from "@anthropic-ai/sdk/error"
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
import * as SdkError from "./SdkError.ts"
import type { Usage } from "./Usage.ts"

/** An error as it was reported, before it has a reason. */
export interface Failure {
  readonly status?: number | undefined
  readonly type?: string | null | undefined
  readonly code?: string | null | undefined
  readonly detail: string
  /** The id in the body, for answers without the header. */
  readonly requestId?: string | undefined
  readonly headers?: Headers | undefined
  readonly usage?: Usage | undefined
  readonly remedy?: string | undefined
}

/** The error of an answer that reports a failure. */
export const fromFailure = (failure: Failure): ClaudeError => {
  const headers = failure.headers
  const requestId = headers?.get("request-id") ?? failure.requestId
  const retryAfter = headers && retryAfterOf(headers)
  const shouldRetry = headers?.get("x-should-retry")
  const rateLimits = headers && RateLimits.fromHeaders(headers)
  return new ClaudeError({
    reason: new (classOf(failure))({
      detail: bounded(redact(failure.detail), maxLength),
      ...(failure.status !== undefined && { status: failure.status }),
      ...(failure.code && { code: failure.code }),
      ...(requestId && { requestId }),
      ...(retryAfter && { retryAfter }),
      ...((shouldRetry === "true" || shouldRetry === "false") && { shouldRetry: shouldRetry === "true" }),
      ...(rateLimits && { rateLimits }),
      ...(failure.remedy && { remedy: failure.remedy }),
      ...(failure.usage && { usage: failure.usage })
    })
  })
}

const maxLength = 4000

/** A gateway may send a whole page. */
const maxForeignLength = 500

const bounded = (text: string, most: number) => (text.length <= most ? text : `${text.slice(0, most).toWellFormed()}…`)

/** The error that a body reports, such as that of an `error` event in the middle of a stream, which has no status. */
export const fromErrorBody = (body: unknown, headers: Headers, others: ErrorFacts = {}): ClaudeError => {
  const { detail, isApi, status: named, ...facts } = ErrorBody.read(body)
  const status = others.status !== undefined && others.status >= 400 ? others.status : (named ?? others.status)
  const silent = status === undefined ? "an error without a description" : `HTTP status ${status}`
  const isForeign = facts.type === undefined && (!Predicate.isObject(body) || status === 404 || status === 405)
  const remedy = isForeign && foreignStatuses.has(status) ? foreign : undefined
  const words = detail === undefined ? silent : isApi ? detail : bounded(redact(detail), maxForeignLength)
  return fromFailure({ ...facts, usage: others.usage, status, detail: words, headers, remedy })
}

/** The statuses with which a server other than the Claude API refuses a path or a protocol. */
const foreignStatuses: ReadonlySet<number | undefined> = new Set([400, 404, 405, 421, 426])

const foreign =
  "no Claude API answered: check scheme, port and path of the base URL (ANTHROPIC_BASE_URL); the client adds /v1/messages"

interface ErrorFacts {
  readonly status?: number | undefined
  readonly usage?: Usage | undefined
}

/**
 * The error of an answer with status 200 that is not what was asked for: it reports an error, or comes from elsewhere.
 */
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

/**
 * The error for anything that the SDK or a fetch threw. `elapsed` is the time since the call began, in milliseconds.
 */
export const fromUnknown = (error: unknown, elapsed = 0): ClaudeError => {
  if (error instanceof ClaudeError) return error
  if (SdkError.isTimeout(error)) return elapsed < longest ? noConnection() : gaveUp(elapsed)
  if (SdkError.isConnection(error)) return connectionFailed(error)
  if (SdkError.isAnswer(error)) return fromApiError(error)
  if (error instanceof SyntaxError) return malformed("expected JSON, got something else")
  if (error instanceof Error && (SdkError.isSdk(error) || !isOfNetwork(error))) {
    return neverSent({ detail: redact(error.message) })
  }
  return connectionFailed(error)
}

/** Errors of the network have a cause or a code of the system. Other errors came before anything was sent. */
const isOfNetwork = (error: Error) => error.cause !== undefined || Predicate.hasProperty(error, "code")

/** An answer that is not the API's. */
export const malformed = (detail: string, others: Partial<Facts> = {}): ClaudeError =>
  new ClaudeError({ reason: new MalformedResponse({ ...others, detail: redact(detail) }) })

/**
 * No connection takes longer, in milliseconds: a fetch that fails later had a connection, and gave up on the answer.
 */
const longest = 60_000

const noConnection = () =>
  new ClaudeError({ reason: new TimedOut({ detail: "no connection in time", remedy: checkAddress }) })

/** Another attempt would take as long. The SDK does not report which limit was reached. */
const gaveUp = (elapsed?: number) => {
  const after = elapsed === undefined ? "" : ` after ${Duration.format(Duration.seconds(Math.round(elapsed / 1000)))}`
  return new ClaudeError({
    reason: new TimedOut({
      detail: `the client's own fetch gave up waiting${after}`,
      shouldRetry: false,
      remedy: "raise the limits of that fetch (headersTimeout and bodyTimeout), or stream the answer"
    })
  })
}

const neverSent = (facts: Facts) =>
  new ClaudeError({ reason: new InvalidRequest({ remedy: "check how the client is configured", ...facts }) })

/** What a dispatcher of undici 8 reports of the fetch of Node 24, which has undici 7 inside. */
const foreignDispatcher = /^invalid on\w+ method$/

const wrapDispatcher =
  "the dispatcher is of a newer undici than the fetch: wrap it in that undici's Dispatcher1Wrapper, or pass its fetch too"

const checkAddress = "check the base URL (ANTHROPIC_BASE_URL) and the network"

const connectionFailed = (cause: unknown): ClaudeError => {
  const innermost = rootOf(cause)
  const code = Predicate.hasProperty(innermost, "code") ? String(innermost.code ?? "") : ""
  const words = [innermost, cause].map(messageOf).find((message) => message !== "")
  const detail = redact(words ?? "the connection failed")
  const facts = { detail, ...(code !== "" && { code }) }
  if (/^(UND_)?ERR_INVALID_/.test(code)) {
    return neverSent(foreignDispatcher.test(detail) ? { ...facts, remedy: wrapDispatcher } : facts)
  }
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT") return gaveUp()
  const final = finalRemedy(code)
  return new ClaudeError({
    reason: new ConnectionFailed({ ...facts, ...(final !== undefined && { remedy: final, shouldRetry: false }) })
  })
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The remedy for a failure that no repetition changes. */
const finalRemedy = (code: string): string | undefined => {
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "EPROTO" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG") {
    return "the server speaks no TLS at this port: write http:// in the base URL, or correct its port"
  }
  return code.startsWith("ERR_TLS_CERT") || code.startsWith("CERT_") || certificates.has(code)
    ? "make Node trust the certificate of the server or the proxy, with NODE_EXTRA_CA_CERTS"
    : undefined
}

const certificates = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
])

/** The innermost cause. Where a host has several addresses, each failed by itself, and the first one is taken. */
const rootOf = (error: unknown): unknown => {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0])
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error
}

const spendLimits = new Set([
  "enforced_spend_limit_reached",
  "contract_spend_limit_reached",
  "linked_organization_spend_limit_reached"
])

/** The API reports these as an invalid request, without a code: only their text tells them apart. */
const refusedAccounts = [
  { text: /^Your credit balance is too low/, Reason: BillingFailed },
  { text: /^You have reached your specified API usage limits/, Reason: SpendLimitReached },
  { text: /^This organization has been disabled/, Reason: BillingFailed }
]

/** Types in camel case are exceptions of Bedrock in the middle of a stream, which have no status. */
const classOf = ({ status = 0, type, code, detail }: Failure) => {
  if (code && spendLimits.has(code)) return SpendLimitReached
  if (type === "invalid_request_error") {
    const account = refusedAccounts.find(({ text }) => text.test(detail))
    if (account !== undefined) return account.Reason
  }
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
    // Only a cassette sends this type.
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
  const isInvalid = type === "invalid_request_error" || type === "validationException"
  return isInvalid || (status >= 400 && status < 500) ? InvalidRequest : ServerFailed
}

/**
 * The wait in `retry-after-ms`, or in `retry-after` as seconds or a date. A date is compared with the `date` header of
 * the same answer, because the clocks of server and client may differ. Without that header, it is compared with
 * `Date.now`, not with `Clock`: the server does not know the time of a test.
 */
export const retryAfterOf = (headers: Headers): Duration.Duration | undefined => {
  const milliseconds = headers.get("retry-after-ms")
  if (milliseconds !== null && Number.isFinite(Number(milliseconds))) return positive(Number(milliseconds))
  const after = headers.get("retry-after")
  if (after === null) return undefined
  if (Number.isFinite(Number(after))) return positive(Number(after) * 1000)
  return positive(Date.parse(after) - (Date.parse(headers.get("date") ?? "") || Date.now()))
}

const positive = (milliseconds: number) => (milliseconds > 0 ? Duration.millis(milliseconds) : undefined)
