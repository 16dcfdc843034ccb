/**
 * The one error of Claude calls. `reason` tells what happened; `Effect.catchReason("ClaudeError", "RateLimited", …)`
 * narrows to it. Reasons are plain data, so `Schema` encodes and decodes them without loss. A foreign cause is kept as a
 * code and a redacted message, never as an object.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { emptyMessage } from "./EmptyMessage.ts"
import { RateLimits } from "./RateLimits.ts"
import { isMessage, type Message } from "./Reply.ts"
import { Usage } from "./Usage.ts"

const facts = {
  /** What happened, in the words of the API where it sent any. */
  detail: Schema.String,
  /** The HTTP status, where the server answered. */
  status: Schema.optionalKey(Schema.Int),
  requestId: Schema.optionalKey(Schema.String),
  /** `error_code` of the API, or the code of the system (`ECONNREFUSED`). */
  code: Schema.optionalKey(Schema.String),
  /** How long the API asks to wait. */
  retryAfter: Schema.optionalKey(Schema.Duration),
  /** Whether another attempt can help: the header `x-should-retry`, or a cause that no repetition changes. */
  shouldRetry: Schema.optionalKey(Schema.Boolean),
  rateLimits: Schema.optionalKey(RateLimits),
  /** What to do next, where the reason's usual remedy would not help. */
  remedy: Schema.optionalKey(Schema.String),
  /** Tokens that were billed although the answer cannot be used. */
  usage: Schema.optionalKey(Usage)
}

/** The fields of every reason. */
export type Facts = Schema.Struct.Type<typeof facts>

const answerFacts = {
  ...facts,
  /** The text of the answer so far. Never part of `message`. */
  text: Schema.String
}

/** Too many requests or tokens per minute. The limit refills by itself. */
export class RateLimited extends Schema.TaggedClass<RateLimited>()("RateLimited", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    return describe(this, "retry later, or lower the concurrency")
  }
}

/** The organisation has reached its spending limit. Waiting does not help until the next month. */
export class SpendLimitReached extends Schema.TaggedClass<SpendLimitReached>()("SpendLimitReached", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return describe(this, "raise the spending limit in the Claude Console")
  }
}

/**
 * What is left of a budget of the program does not cover the most that this call may cost, and no call in flight can free
 * enough. Nothing was sent. `share` names the label or the step whose part of the budget it is, such as `tenant "acme"`.
 */
export class BudgetExceeded extends Schema.TaggedClass<BudgetExceeded>()("BudgetExceeded", {
  ...facts,
  share: Schema.optionalKey(Schema.String)
}) {
  get isRetryable() {
    return false
  }
  get message() {
    return describe(this, "raise the budget")
  }
}

/** The API has no capacity at the moment. */
export class Overloaded extends Schema.TaggedClass<Overloaded>()("Overloaded", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    return describe(this, "try again later")
  }
}

/** The API, or a server in front of it, failed. */
export class ServerFailed extends Schema.TaggedClass<ServerFailed>()("ServerFailed", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    return describe(this, "retry; if it continues, see the status page of the API")
  }
}

/** No answer in time: a limit of `Claude.Timeouts`, of a client's own fetch, or of the API. */
export class TimedOut extends Schema.TaggedClass<TimedOut>()("TimedOut", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    return describe(this, "retry")
  }
}

/** Two requests changed the same resource at the same time. */
export class Conflict extends Schema.TaggedClass<Conflict>()("Conflict", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    return describe(this, "retry")
  }
}

/** No answer: the connection was refused or broke, the host is unknown, or TLS failed. */
export class ConnectionFailed extends Schema.TaggedClass<ConnectionFailed>()("ConnectionFailed", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    return describe(this, "check the base URL (ANTHROPIC_BASE_URL) and the network")
  }
}

/** A stream ended before its `message_stop`, or its events are no single complete answer. It was billed so far. */
export class StreamInterrupted extends Schema.TaggedClass<StreamInterrupted>()("StreamInterrupted", facts) {
  get isRetryable() {
    return true
  }
  get message() {
    return describe(this, "send the request again")
  }
}

/** The key is missing, wrong or revoked. */
export class Unauthenticated extends Schema.TaggedClass<Unauthenticated>()("Unauthenticated", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return describe(this, "check ANTHROPIC_API_KEY")
  }
}

/** The key has no permission for this. */
export class PermissionDenied extends Schema.TaggedClass<PermissionDenied>()("PermissionDenied", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return describe(this, "use a key with access to this model or feature")
  }
}

/** The account cannot be charged. */
export class BillingFailed extends Schema.TaggedClass<BillingFailed>()("BillingFailed", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return describe(this, "see the billing page of the Claude Console")
  }
}

/** The model or resource does not exist. */
export class NotFound extends Schema.TaggedClass<NotFound>()("NotFound", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return describe(this, "check the name of the model")
  }
}

/** The API refuses this request, however often it is sent. */
export class InvalidRequest extends Schema.TaggedClass<InvalidRequest>()("InvalidRequest", facts) {
  get isRetryable() {
    return this.shouldRetry ?? false
  }
  get message() {
    return describe(this, "change the request")
  }
}

/** The request has too many bytes. */
export class RequestTooLarge extends Schema.TaggedClass<RequestTooLarge>()("RequestTooLarge", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return describe(this, "shorten the prompt, or upload large files")
  }
}

/** The answer reached the end of the model's context window. */
export class ContextWindowExceeded extends Schema.TaggedClass<ContextWindowExceeded>()(
  "ContextWindowExceeded",
  answerFacts
) {
  get isRetryable() {
    return false
  }
  get message() {
    return describe(this, "shorten the prompt, or use a model with a larger window")
  }
  toJSON() {
    return withoutText(this)
  }
}

/** The answer is not one that the API sends, such as HTML from a proxy or truncated JSON. */
export class MalformedResponse extends Schema.TaggedClass<MalformedResponse>()("MalformedResponse", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    return describe(this, "check the proxy or gateway in front of the API")
  }
}

/** The backend or a policy does not support this request. */
export class Unsupported extends Schema.TaggedClass<Unsupported>()("Unsupported", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return describe(this, "use another backend, or leave this feature out")
  }
}

/**
 * The last calls to this model failed, so `Fallback` does not ask it for a while: nothing was sent. `retryAfter` is the
 * rest of that time, and undefined while one call tries the model again.
 */
export class CircuitOpen extends Schema.TaggedClass<CircuitOpen>()("CircuitOpen", facts) {
  get isRetryable() {
    return this.shouldRetry ?? true
  }
  get message() {
    const wait = this.retryAfter === undefined ? "later" : `in ${Duration.format(this.retryAfter)}`
    return `${this._tag}: ${this.detail}; try again ${wait}, or add another fallback`
  }
}

/** Claude declined to answer. `category` is the API's, such as `bio` or `cyber`, where it gives one. */
export class Refused extends Schema.TaggedClass<Refused>()("Refused", {
  ...answerFacts,
  category: Schema.optionalKey(Schema.String)
}) {
  get isRetryable() {
    return false
  }
  get message() {
    return describe(this, "rephrase the request, or fall back to another model")
  }
  toJSON() {
    return withoutText(this)
  }
}

/** The answer reached `max_tokens` before its end. */
export class OutputTruncated extends Schema.TaggedClass<OutputTruncated>()("OutputTruncated", answerFacts) {
  get isRetryable() {
    return false
  }
  get message() {
    return describe(this, "raise max_tokens")
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
    return describe(this, "loosen the schema, or describe the field better")
  }
  toJSON() {
    return withoutText(this)
  }
}

/** A message as the API sent it. It is JSON already. */
const AnyMessage = Schema.declare(isMessage, {
  expected: "a message of the API",
  // Without an example, `effect/Arbitrary` could not make this reason.
  toCodecArbitrary: () =>
    Schema.link<Message>()(Schema.Struct({ id: Schema.String }), {
      decode: SchemaGetter.transform(({ id }) => ({ ...exampleMessage, id })),
      encode: SchemaGetter.transform(({ id }) => ({ id }))
    })
})

const exampleMessage: Message = { ...emptyMessage, stop_reason: "tool_use" }

/**
 * Claude stopped for a tool where a verb promised text or a value. `Claude.generateWithTools` runs tools. To run them
 * yourself, ask again with `answer`, which is the whole message, and their results; `Claude.create` returns such a message
 * as it is.
 */
export class ToolUseRequested extends Schema.TaggedClass<ToolUseRequested>()("ToolUseRequested", {
  ...answerFacts,
  answer: AnyMessage
}) {
  get isRetryable() {
    return false
  }
  get message() {
    return describe(this, "ask with Claude.generateWithTools, or leave the tool out")
  }
  toJSON() {
    return withoutText(this)
  }
}

/** The answer ended without any text. */
export class OutputEmpty extends Schema.TaggedClass<OutputEmpty>()("OutputEmpty", answerFacts) {
  get isRetryable() {
    return true
  }
  get message() {
    return describe(this, "ask again, or ask for text in the prompt")
  }
  toJSON() {
    return withoutText(this)
  }
}

/** The turn was still paused (`pause_turn`) after the largest number of continuations. */
export class TurnPaused extends Schema.TaggedClass<TurnPaused>()("TurnPaused", answerFacts) {
  get isRetryable() {
    return false
  }
  get message() {
    return describe(this, "ask for less in one turn, or continue the turn with Claude.create")
  }
  toJSON() {
    return withoutText(this)
  }
}

/**
 * A batch ended without an answer to this request, and nothing was billed for it. `expired`: the batch took longer than
 * 24 hours. `missing`: it has no readable result. `canceled`: someone canceled the batch. `unknown`: the API does not
 * know the batch, so it cannot be seen whether it answered.
 */
export class BatchItemLost extends Schema.TaggedClass<BatchItemLost>()("BatchItemLost", {
  ...facts,
  batch: Schema.String,
  how: Schema.Literals(["expired", "missing", "canceled", "unknown"])
}) {
  get isRetryable() {
    return this.how === "expired" || this.how === "missing"
  }
  get message() {
    return describe(this, lostRemedies[this.how])
  }
}

const lostRemedies = {
  expired: "send the request again",
  missing: "send the request again",
  canceled: "run again to send it in another batch",
  unknown:
    "use a key of the workspace that sent the batch, and run again; if the batch is not found then either, its calls are " +
    "sent in another one"
}

/** A cassette has no recording of this request. It is never retried, and there is no fallback to another model. */
export class CassetteMiss extends Schema.TaggedClass<CassetteMiss>()("CassetteMiss", facts) {
  get isRetryable() {
    return false
  }
  get message() {
    return `${this._tag}: ${this.detail}\nTo record it, run again without the file, where CI is not set.`
  }
}

/** Every reason. */
export const Reason = Schema.Union([
  RateLimited,
  SpendLimitReached,
  BudgetExceeded,
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
  CircuitOpen,
  Refused,
  OutputTruncated,
  OutputInvalid,
  ToolUseRequested,
  OutputEmpty,
  TurnPaused,
  BatchItemLost,
  CassetteMiss
])
export type Reason = typeof Reason.Type

/** A Claude call that failed. */
export class ClaudeError extends Schema.TaggedError<ClaudeError>()("ClaudeError", { reason: Reason }) {
  override get message() {
    return this.reason.message
  }
  /** Whether the same request may succeed later, by its reason and by `x-should-retry`. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  /** The form for loggers, without the answer and its text. */
  override toJSON() {
    return { _tag: this._tag, message: this.message, reason: withoutText(this.reason) }
  }
}

const withoutText = (reason: object): object =>
  Object.fromEntries(Object.entries(reason).filter(([name]) => name !== "text" && name !== "answer"))

const describe = (reason: Facts & { readonly _tag: string }, remedy: string): string => {
  const status = reason.status === undefined ? "" : ` (${reason.status})`
  const code = reason.code === undefined ? "" : ` [${reason.code}]`
  const wait = reason.retryAfter === undefined ? "" : `; the API asks to wait ${Duration.format(reason.retryAfter)}`
  const id = reason.requestId === undefined ? "" : ` (request ${reason.requestId})`
  return `${reason._tag}${status}: ${reason.detail}${code}; ${reason.remedy ?? remedy}${wait}${id}`
}
