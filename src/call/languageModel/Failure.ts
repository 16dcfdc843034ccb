/**
 * Turns a `ClaudeError` into the `AiError` of effect/ai. Nothing is lost: the reason's `cause` is the `ClaudeError`, the
 * reason is retryable exactly if that is, after the same wait, and `metadata.anthropic` has its facts for programs that
 * keep the error as JSON.
 */
import * as AiError from "effect/ai/AiError"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import { ClaudeError, type Reason } from "../../claude/ClaudeError.ts"
import type { Redact } from "../../claude/Redact.ts"
import * as Turn from "../turn.ts"

/** The part of the program that failed, for the message. */
export type Method = "generateText" | "streamText"

/** The error of effect/ai. Its texts pass through `redact`. A reason of effect/ai stays as it is. */
export const toAiError = (
  error: ClaudeError | AiError.AiErrorReason,
  method: Method,
  redact: Redact
): AiError.AiError => {
  if (!(error instanceof ClaudeError)) return AiError.make({ module, method, reason: error })
  const cause = redacted(error, redact)
  const reason = reasonOf(cause.reason)
  // The classes of effect/ai derive these from their tag. Not enumerable, so that no logger prints the answer's text.
  Object.defineProperty(reason, "cause", { value: cause })
  Object.defineProperty(reason, "isRetryable", { value: error.isRetryable })
  if (error.reason.retryAfter !== undefined) {
    Object.defineProperty(reason, "retryAfter", { value: error.reason.retryAfter })
  }
  return AiError.make({ module, method, reason })
}

/** The `ClaudeError` of an `AiError` that comes from this library. */
export const claudeError = (error: AiError.AiError): Option.Option<ClaudeError> => {
  const { cause } = error.reason
  return cause instanceof ClaudeError ? Option.some(cause) : Option.none()
}

const module = "Claude"

/** The same error with redacted texts; the error itself where nothing is to be redacted. */
const redacted = (error: ClaudeError, redact: Redact): ClaudeError => {
  const { reason } = error
  const texts = { detail: redact(reason.detail), ...("text" in reason && { text: redact(reason.text) }) }
  if (texts.detail === reason.detail && (!("text" in reason) || texts.text === reason.text)) return error
  return Turn.withFacts(error, texts)
}

const reasonOf = (reason: Reason): AiError.AiErrorReason => {
  const description = reason.message
  const metadata = { anthropic: factsOf(reason) }
  const given = { description, metadata }
  const network = { reason: "TransportError", method: "POST", url: "/v1/messages", description } as const
  const broken = () => (reason.isRetryable ? new AiError.InternalProviderError(given) : new AiError.UnknownError(given))
  switch (reason._tag) {
    case "RateLimited":
      return new AiError.RateLimitError({ metadata, retryAfter: reason.retryAfter })
    case "SpendLimitReached":
    case "BudgetExceeded":
    case "BillingFailed":
      return new AiError.QuotaExhaustedError({ metadata })
    case "TimedOut":
    case "ConnectionFailed":
    case "StreamInterrupted":
      return new AiError.NetworkError(network)
    case "Unauthenticated":
      return new AiError.AuthenticationError({ kind: "InvalidKey", ...given })
    case "PermissionDenied":
      return new AiError.AuthenticationError({ kind: "InsufficientPermissions", ...given })
    case "NotFound":
    case "InvalidRequest":
    case "RequestTooLarge":
    case "ContextWindowExceeded":
    case "Unsupported":
      return new AiError.InvalidRequestError(given)
    case "Refused":
      return new AiError.ContentPolicyError(given)
    case "OutputInvalid":
      return new AiError.StructuredOutputError({ ...given, responseText: reason.text })
    case "OutputEmpty":
      return new AiError.InvalidOutputError(given)
    case "OutputTruncated":
    case "ToolUseRequested":
    case "TurnPaused":
      return new AiError.InvalidResponseError(given)
    case "Overloaded":
    case "ServerFailed":
    case "Conflict":
    case "MalformedResponse":
    case "CircuitOpen":
    case "BatchItemLost":
    case "CassetteMiss":
      return broken()
  }
}

type Facts = { [name: string]: Schema.MutableJson }

/** The facts of a reason that are plain JSON: the text of an answer is left out. */
const factsOf = (reason: Reason): Facts => {
  const { code, detail, requestId, retryAfter, status, usage } = reason
  const wait = retryAfter === undefined ? undefined : Duration.toMillis(retryAfter)
  return {
    reason: reason._tag,
    detail,
    isRetryable: reason.isRetryable,
    ...(status !== undefined && { status }),
    ...(requestId !== undefined && { requestId }),
    ...(code !== undefined && { code }),
    // JSON has no infinity.
    ...(Number.isFinite(wait) && wait !== undefined && { retryAfterMillis: wait }),
    ...(usage !== undefined && { inputTokens: usage.input, outputTokens: usage.output })
  }
}
