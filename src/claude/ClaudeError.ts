/**
 * The one error of Claude calls. `reason` says what happened; `Effect.catchReason("ClaudeError", "RateLimited", …)`
 * narrows to it. Reasons are plain data: they persist and travel through `Schema` without loss, and a foreign cause is
 * kept as a code and a redacted message, never as an object.
 */
import { APIConnectionError, APIConnectionTimeoutError, APIError, AnthropicError } from "@anthropic-ai/sdk/error"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as RateLimits from "./RateLimits.ts"
import { redact } from "./Redact.ts"
import { Usage } from "./Usage.ts"

const facts = {
  /** What happened, in the API's words where it spoke. */
  detail: Schema.String,
  /** The HTTP status, where there was an answer. */
  status: Schema.optionalKey(Schema.Int),
  requestId: Schema.optionalKey(Schema.String),
  /** `error_code` of the API, or the code of the system (`ECONNREFUSED`). */
  code: Schema.optionalKey(Schema.String),
  /** How long the API asks to wait. */
  retryAfter: Schema.optionalKey(Schema.Duration),
  /** What `x-should-retry` said. */
  shouldRetry: Schema.optionalKey(Schema.Boolean),
  rateLimits: Schema.optionalKey(RateLimits.RateLimits),
  /** Tokens that were billed although the answer is of no use. */
  usage: Schema.optionalKey(Usage)
}

/** What every reason carries. */
type Facts = Schema.Struct.Type<typeof facts>

const answerFacts = {
  ...facts,
  /** The text that came; never part of the message. */
  text: Schema.String
}

/** Too many requests or tokens a minute; passes by itself. */
export class RateLimited extends Schema.TaggedClass<RateLimited>()("RateLimited", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    return say(this, "wait as told, or lower the concurrency")
  }
}

/** The spending limit of the organisation is reached. Waiting does not help until the month rolls over. */
export class SpendLimitReached extends Schema.TaggedClass<SpendLimitReached>()("SpendLimitReached", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return say(this, "raise the spending limit in the Claude Console")
  }
}

/** The API has no capacity for the moment. */
export class Overloaded extends Schema.TaggedClass<Overloaded>()("Overloaded", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    return say(this, "try again later")
  }
}

/** The API, or something in front of it, failed. */
export class ServerFailed extends Schema.TaggedClass<ServerFailed>()("ServerFailed", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    return say(this, "try again; if it stays, check the status page of the API")
  }
}

/** No answer in time: ours ran out (`Claude.Timeouts`), or the API's did. */
export class TimedOut extends Schema.TaggedClass<TimedOut>()("TimedOut", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    return say(this, "try again, or give it longer with Claude.Timeouts")
  }
}

/** Two requests changed one thing at the same time. */
export class Conflict extends Schema.TaggedClass<Conflict>()("Conflict", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    return say(this, "try again")
  }
}

/** No answer at all: refused, unknown host, TLS, or a broken connection. */
export class ConnectionFailed extends Schema.TaggedClass<ConnectionFailed>()("ConnectionFailed", facts) {
  get isRetryable() {
    return true
  }
  get message() {
    return say(this, "check ANTHROPIC_BASE_URL and the network")
  }
}

/** A stream ended before its `message_stop`. What had arrived was billed. */
export class StreamInterrupted extends Schema.TaggedClass<StreamInterrupted>()("StreamInterrupted", facts) {
  get isRetryable() {
    return true
  }
  get message() {
    return say(this, "ask again")
  }
}

/** The key is missing, wrong or revoked. */
export class Unauthenticated extends Schema.TaggedClass<Unauthenticated>()("Unauthenticated", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return say(this, "check ANTHROPIC_API_KEY")
  }
}

/** The key may not do this. */
export class PermissionDenied extends Schema.TaggedClass<PermissionDenied>()("PermissionDenied", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return say(this, "use a key with access to this model or feature")
  }
}

/** The account cannot be charged. */
export class BillingFailed extends Schema.TaggedClass<BillingFailed>()("BillingFailed", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return say(this, "see the billing page of the Claude Console")
  }
}

/** There is no such model or resource. */
export class NotFound extends Schema.TaggedClass<NotFound>()("NotFound", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return say(this, "check the model's name")
  }
}

/** The API will not take this request, whenever it is sent. */
export class InvalidRequest extends Schema.TaggedClass<InvalidRequest>()("InvalidRequest", facts) {
  get isRetryable() {
    return this.shouldRetry ?? false
  }
  get message() {
    return say(this, "change the request")
  }
}

/** The request has too many bytes. */
export class RequestTooLarge extends Schema.TaggedClass<RequestTooLarge>()("RequestTooLarge", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return say(this, "send less: shorten the prompt, or upload files")
  }
}

/** The answer ran into the end of the model's context window. */
export class ContextWindowExceeded extends Schema.TaggedClass<ContextWindowExceeded>()(
  "ContextWindowExceeded",
  answerFacts
) {
  get isRetryable() {
    return false
  }
  get message() {
    return say(this, "shorten the prompt, or use a model with a larger window")
  }
  toJSON() {
    return withoutText(this)
  }
}

/** An answer that is not what the API sends: HTML from a proxy, JSON that was cut off. */
export class MalformedResponse extends Schema.TaggedClass<MalformedResponse>()("MalformedResponse", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    return say(this, "check what stands between here and the API")
  }
}

/** The backend, or a policy, cannot do what was asked. */
export class Unsupported extends Schema.TaggedClass<Unsupported>()("Unsupported", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return say(this, "ask for something else, or use another backend")
  }
}

/** Claude declined to answer. `category` is the API's, such as `bio` or `cyber`, where it names one. */
export class Refused extends Schema.TaggedClass<Refused>()("Refused", {
  ...answerFacts,
  category: Schema.optionalKey(Schema.String)
}) {
  get isRetryable() {
    return false
  }
  get message() {
    return say(this, "rephrase the request, or fall back to another model")
  }
  toJSON() {
    return withoutText(this)
  }
}

/** The answer did not fit into `max_tokens`. */
export class OutputTruncated extends Schema.TaggedClass<OutputTruncated>()("OutputTruncated", answerFacts) {
  get isRetryable() {
    return false
  }
  get message() {
    return say(this, "raise max_tokens")
  }
  toJSON() {
    return withoutText(this)
  }
}

/** The answer does not satisfy the schema. */
export class OutputInvalid extends Schema.TaggedClass<OutputInvalid>()("OutputInvalid", answerFacts) {
  get isRetryable() {
    return false
  }
  get message() {
    return say(this, "loosen the schema, or describe the field better")
  }
  toJSON() {
    return withoutText(this)
  }
}

/** Every reason. */
export const Reason = Schema.Union([
  RateLimited,
  SpendLimitReached,
  Overloaded,
  ServerFailed,
  TimedOut,
  Conflict,
  ConnectionFailed,
  StreamInterrupted,
  Unauthenticated,
  PermissionDenied,
  BillingFailed,
  NotFound,
  InvalidRequest,
  RequestTooLarge,
  ContextWindowExceeded,
  MalformedResponse,
  Unsupported,
  Refused,
  OutputTruncated,
  OutputInvalid
])
export type Reason = typeof Reason.Type

/** A Claude call that failed. */
export class ClaudeError extends Schema.TaggedError<ClaudeError>()("ClaudeError", { reason: Reason }) {
  override get message() {
    return this.reason.message
  }
  /** Whether the same request may succeed later, by its nature and by what `x-should-retry` said. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  /** What loggers print: everything but the text of the answer. */
  override toJSON() {
    return { _tag: this._tag, message: this.message, reason: withoutText(this.reason) }
  }
}

const withoutText = (reason: object): object =>
  Object.fromEntries(Object.entries(reason).filter(([name]) => name !== "text"))

const say = (reason: Facts & { readonly _tag: string }, remedy: string): string => {
  const status = reason.status === undefined ? "" : ` (${reason.status})`
  const code = reason.code === undefined ? "" : ` [${reason.code}]`
  const wait = reason.retryAfter === undefined ? "" : ` after ${Duration.format(reason.retryAfter)}`
  const id = reason.requestId === undefined ? "" : ` (request ${reason.requestId})`
  return `${reason._tag}${status}: ${reason.detail}${code}; ${remedy}${wait}${id}`
}

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
      detail: redact(failure.detail),
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

/** The error of an `error` event in the middle of a stream, which has no status of its own. */
export const fromErrorEvent = (event: object, headers: Headers, usage?: Usage): ClaudeError =>
  fromApiError(new APIError(undefined, event, undefined, headers), usage)

/** The SDK has read the body leniently; what it found there may be anything. */
const fromApiError = (failed: APIError, usage?: Usage): ClaudeError => {
  const { apiMessage, error, errorCode: code, headers, status, type } = failed
  const unsaid = status === undefined ? "an error that does not say what it is" : `HTTP status ${status}`
  // Where the API says `{ error: { message } }`, Bedrock says `{ message }`.
  const said = apiMessage ?? (Predicate.hasProperty(error, "message") && error.message)
  return fromFailure({
    status,
    type,
    code,
    detail: Predicate.isString(said) ? said : unsaid,
    requestId: Predicate.hasProperty(error, "request_id") ? String(error.request_id) : undefined,
    headers,
    usage
  })
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

const rootOf = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error

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

/** `retry-after-ms`, or `retry-after` in seconds; dates are read against the `date` header of the same answer. */
const retryAfterOf = (headers: Headers): Duration.Duration | undefined => {
  const milliseconds = headers.get("retry-after-ms")
  if (milliseconds !== null && Number.isFinite(Number(milliseconds))) return positive(Number(milliseconds))
  const after = headers.get("retry-after")
  if (after === null) return undefined
  if (Number.isFinite(Number(after))) return positive(Number(after) * 1000)
  return positive(Date.parse(after) - Date.parse(headers.get("date") ?? ""))
}

const positive = (milliseconds: number) => (milliseconds > 0 ? Duration.millis(milliseconds) : undefined)
