import * as Ours from "@anthropic-ai/sdk/error"
import { assert, describe, it } from "@effect/vitest"
import { createRequire } from "node:module"
import { fromUnknown } from "../../src/claude/Failure.ts"
import * as SdkError from "../../src/claude/SdkError.ts"

/** The CommonJS build: another copy of the same classes. */
const Theirs: typeof Ours = createRequire(import.meta.url)("@anthropic-ai/sdk/error.js")

describe("an error of another copy of the SDK", () => {
  it("is no instance of our copy's class", () => {
    assert.notStrictEqual(Theirs.APIError, Ours.APIError)
    assert.isFalse(Theirs.APIError.generate(429, body, undefined, headers) instanceof Ours.APIError)
  })

  it("has the same reason as one of ours", () => {
    for (const { APIConnectionError, APIConnectionTimeoutError, APIError, AnthropicError } of [Ours, Theirs]) {
      const limited = fromUnknown(APIError.generate(429, body, undefined, headers)).reason
      assert.strictEqual(limited._tag, "RateLimited")
      assert.strictEqual(limited.requestId, "req_1")
      assert.isDefined(limited.retryAfter)
      const unknown = fromUnknown(APIError.generate(418, body, undefined, headers)).reason
      assert.strictEqual(unknown.status, 418)
      assert.strictEqual(fromUnknown(new APIConnectionError({ message: "reset" })).reason._tag, "ConnectionFailed")
      assert.strictEqual(fromUnknown(new APIConnectionTimeoutError()).reason._tag, "TimedOut")
      assert.strictEqual(fromUnknown(new AnthropicError("no key")).reason._tag, "InvalidRequest")
    }
  })

  it("is distinguished from other errors", () => {
    for (const error of [new TypeError("x"), new SyntaxError("x"), "text", undefined, { name: "APIError" }]) {
      assert.isFalse(SdkError.isSdk(error))
      assert.isFalse(SdkError.isAnswer(error))
    }
  })
})

// Builders

const body = { type: "error", error: { type: "rate_limit_error", message: "slow down" } }
const headers = new Headers({ "request-id": "req_1", "retry-after": "3" })
