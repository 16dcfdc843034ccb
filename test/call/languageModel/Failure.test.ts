import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Duration from "effect/Duration"
import * as AiError from "effect/ai/AiError"
import * as Failure from "../../../src/call/languageModel/Failure.ts"
import {
  BudgetExceeded,
  ClaudeError,
  OutputInvalid,
  Overloaded,
  RateLimited,
  Reason,
  Refused,
  type Reason as AnyReason
} from "../../../src/claude/ClaudeError.ts"
import { make, redact } from "../../../src/claude/Redact.ts"
import { message } from "../../fixtures.ts"

describe("the error of effect/ai", () => {
  it.prop("keeps any of our errors, and is retryable exactly if that is", [Reason], ([reason]) => {
    const ours = new ClaudeError({ reason })
    const error = Failure.toAiError(ours, "generateText", redact)
    assert.isTrue(AiError.isAiError(error))
    assert.strictEqual(error.isRetryable, ours.isRetryable)
    assert.strictEqual(Option.getOrThrow(Failure.claudeError(error)), ours)
  })

  it("has the reason of effect/ai that fits", () => {
    const tags = Reason.members.map(({ fields }) => fields._tag.schema.literal)
    assert.deepStrictEqual(
      tags.map((tag) => `${tag}: ${tagOf(tag)}`),
      [
        "RateLimited: RateLimitError",
        "SpendLimitReached: QuotaExhaustedError",
        "BudgetExceeded: QuotaExhaustedError",
        "Overloaded: InternalProviderError",
        "ServerFailed: InternalProviderError",
        "TimedOut: NetworkError",
        "Conflict: InternalProviderError",
        "ConnectionFailed: NetworkError",
        "StreamInterrupted: NetworkError",
        "Unauthenticated: AuthenticationError",
        "PermissionDenied: AuthenticationError",
        "BillingFailed: QuotaExhaustedError",
        "NotFound: InvalidRequestError",
        "InvalidRequest: InvalidRequestError",
        "RequestTooLarge: InvalidRequestError",
        "ContextWindowExceeded: InvalidRequestError",
        "MalformedResponse: InternalProviderError",
        "Unsupported: InvalidRequestError",
        "CircuitOpen: InternalProviderError",
        "Refused: ContentPolicyError",
        "OutputTruncated: InvalidResponseError",
        "OutputInvalid: StructuredOutputError",
        "ToolUseRequested: InvalidResponseError",
        "OutputEmpty: InvalidOutputError",
        "TurnPaused: InvalidResponseError",
        "BatchItemLost: InternalProviderError",
        "CassetteMiss: UnknownError"
      ]
    )
  })

  it("waits as long as the API asks", () => {
    const retryAfter = Duration.seconds(3)
    for (const reason of [RateLimited, Overloaded]) {
      assert.deepStrictEqual(toAiError(new reason({ detail: "later", retryAfter })).retryAfter, retryAfter)
    }
  })

  it("has the facts as metadata, and the text of an answer only where effect/ai has it", () => {
    const facts = { detail: "no", requestId: "req_1", status: 400 }
    const refused = toAiError(new Refused({ ...facts, text: "I will not" }))
    assert(refused.reason._tag === "ContentPolicyError")
    assert.deepInclude(refused.reason.metadata, {
      anthropic: { reason: "Refused", detail: "no", isRetryable: false, status: 400, requestId: "req_1" }
    })
    assert.notInclude(JSON.stringify(refused), "I will not")
    const invalid = toAiError(new OutputInvalid({ detail: "no", text: "{}" }))
    assert(invalid.reason._tag === "StructuredOutputError")
    assert.strictEqual(invalid.reason.responseText, "{}")
  })

  it("has our error redacted too, because loggers print the causes of an error", () => {
    const ours = new ClaudeError({ reason: new Refused({ detail: "Ms Jones", text: "Dear Ms Jones" }) })
    const error = Failure.toAiError(ours, "generateText", make({ patterns: [/Ms Jones/] }))
    const { reason } = Option.getOrThrow(Failure.claudeError(error))
    assert(reason._tag === "Refused")
    assert.deepStrictEqual([reason.detail, reason.text], ["[redacted]", "Dear [redacted]"])
    assert.strictEqual(reason.message, "Refused: [redacted]; rephrase the request, or fall back to another model")
  })

  it("survives a store of errors of effect/ai", () => {
    const error = toAiError(new BudgetExceeded({ detail: "1 USD is spent" }))
    const json = Schema.encodeSync(Schema.toCodecJson(AiError.AiError))(error)
    const restored = Schema.decodeSync(Schema.toCodecJson(AiError.AiError))(json)
    assert.strictEqual(restored.message, error.message)
    assert.isTrue(Option.isNone(Failure.claudeError(restored)))
  })
})

// Builders

const toAiError = (reason: AnyReason) => Failure.toAiError(new ClaudeError({ reason }), "generateText", redact)

/** The reason of effect/ai for the first reason with this tag that its own `isRetryable` decides. */
const tagOf = (tag: AnyReason["_tag"]) => {
  const fields = { _tag: tag, detail: "", text: "", batch: "", how: "expired", answer: message() }
  const reason = Schema.decodeUnknownSync(Reason)(fields)
  return toAiError(reason).reason._tag
}
