import { APIConnectionError, APIConnectionTimeoutError, APIError } from "@anthropic-ai/sdk/error"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { fromUnexpected, fromUnknown } from "../../src/claude/Failure.ts"
import { failure } from "../fixtures.ts"

/** Answers of the API, and their reasons. */
const answers = [
  [304, undefined, undefined, "ServerFailed"],
  [400, "invalid_request_error", undefined, "InvalidRequest"],
  [400, "invalid_request_error", "image_dimensions_too_large", "InvalidRequest"],
  [400, "invalid_request_error", "a_code_of_tomorrow", "InvalidRequest"],
  [401, "authentication_error", undefined, "Unauthenticated"],
  [401, undefined, undefined, "Unauthenticated"],
  [402, "billing_error", undefined, "BillingFailed"],
  [402, "billing_error", "linked_organization_billing_unavailable", "BillingFailed"],
  [402, "billing_error", "linked_organization_spend_limit_reached", "SpendLimitReached"],
  [402, undefined, undefined, "BillingFailed"],
  [403, "permission_error", undefined, "PermissionDenied"],
  [403, "permission_error", "user_profile_not_billable", "PermissionDenied"],
  [403, undefined, undefined, "PermissionDenied"],
  [404, "not_found_error", undefined, "NotFound"],
  [404, undefined, undefined, "NotFound"],
  [408, "timeout_error", undefined, "TimedOut"],
  [408, undefined, undefined, "TimedOut"],
  [409, "conflict_error", undefined, "Conflict"],
  [400, "conflict_error", undefined, "Conflict"],
  [409, undefined, undefined, "Conflict"],
  [412, undefined, undefined, "InvalidRequest"],
  [413, "request_too_large", undefined, "RequestTooLarge"],
  [413, "invalid_request_error", "request_body_too_large_after_decoding", "RequestTooLarge"],
  [413, undefined, undefined, "RequestTooLarge"],
  [422, undefined, undefined, "InvalidRequest"],
  [429, "rate_limit_error", undefined, "RateLimited"],
  [429, "rate_limit_error", "ramp_limit_exceeded", "RateLimited"],
  [429, "rate_limit_error", "enforced_spend_limit_reached", "SpendLimitReached"],
  [429, "rate_limit_error", "contract_spend_limit_reached", "SpendLimitReached"],
  [429, undefined, undefined, "RateLimited"],
  [431, undefined, undefined, "InvalidRequest"],
  [499, undefined, undefined, "InvalidRequest"],
  [500, "api_error", undefined, "ServerFailed"],
  [502, undefined, undefined, "ServerFailed"],
  [503, "api_error", "cmek_key_unreachable", "ServerFailed"],
  [504, "timeout_error", undefined, "TimedOut"],
  [504, undefined, undefined, "ServerFailed"],
  [529, "overloaded_error", undefined, "Overloaded"],
  [529, "overloaded_error", "compaction_unavailable", "Overloaded"],
  [529, undefined, undefined, "Overloaded"],
  [500, "overloaded_error", undefined, "Overloaded"],
  [421, "cassette_miss", undefined, "CassetteMiss"],
  [418, "type_of_tomorrow", undefined, "InvalidRequest"],
  [599, "type_of_tomorrow", undefined, "ServerFailed"]
] as const

describe("the reason of an answer", () => {
  it.each(answers)("of status %s, type %s and code %s is %s", (status, type, code, reason) => {
    assert.strictEqual(answered({ status, type, code }).reason._tag, reason)
  })

  it.prop("does not depend on the text", [Schema.Literals(messages()), Schema.String], ([known, any]) => {
    for (const [status, type, code, reason] of answers) {
      for (const text of [known, any]) assert.strictEqual(answered({ status, type, code, text }).reason._tag, reason)
    }
  })

  it("comes with the facts of the answer", () => {
    const { reason } = answered({
      status: 429,
      type: "rate_limit_error",
      code: "ramp_limit_exceeded",
      text: "slow down",
      headers: {
        "request-id": "req_1",
        "retry-after": "20",
        "anthropic-ratelimit-input-tokens-limit": "1000",
        "anthropic-ratelimit-input-tokens-remaining": "0"
      }
    })
    assert.deepStrictEqual(
      { ...reason },
      {
        _tag: "RateLimited",
        detail: "slow down",
        status: 429,
        code: "ramp_limit_exceeded",
        requestId: "req_1",
        retryAfter: Duration.seconds(20),
        rateLimits: { inputTokens: { limit: 1000, remaining: 0 } }
      }
    )
    assert.strictEqual(
      reason.message,
      "RateLimited (429): slow down [ramp_limit_exceeded]; " +
        "retry later, or lower the concurrency; the API asks to wait 20s (request req_1)"
    )
  })

  it.each([
    ["nothing", undefined],
    ["a message that is not text", { error: { type: "api_error", message: { planted: 1 } } }]
  ])("is found even if the body has no text, but %s", (_, body) => {
    const { reason } = fromUnknown(APIError.generate(503, body, undefined, new Headers()))
    assert.strictEqual(reason._tag, "ServerFailed")
    assert.strictEqual(reason.detail, "HTTP status 503")
  })

  it("has the text of a gateway or of Bedrock, from other body shapes or plain text", () => {
    const json = APIError.generate(403, { message: "Forbidden" }, undefined, new Headers())
    assert.deepInclude(fromUnknown(json).reason, { _tag: "PermissionDenied", detail: "Forbidden" })
    const text = APIError.generate(502, undefined, "upstream connect error", new Headers())
    assert.deepInclude(fromUnknown(text).reason, { _tag: "ServerFailed", detail: "upstream connect error" })
  })

  it("has the first 500 characters of a long body, without its secrets", () => {
    const body = `${"x".repeat(480)} sk-ant-api03-${"A".repeat(80)} and more words`
    const { detail } = fromUnknown(APIError.generate(502, undefined, body, new Headers())).reason
    assert.strictEqual(detail, `${"x".repeat(480)} [redacted] and more…`)
  })

  it("comes from the body if a gateway answers with status 200 and an error", () => {
    const reasonOf = (body: object) =>
      fromUnexpected("a message", JSON.stringify(body), new Response(null, { status: 200 })).reason
    const refused = reasonOf(failure("authentication_error", "invalid x-api-key"))
    assert.deepInclude(refused, { _tag: "Unauthenticated", detail: "invalid x-api-key", isRetryable: false })
    assert.deepInclude(reasonOf({ error: { code: 429, message: "Quota exceeded" } }), { _tag: "RateLimited" })
    assert.deepInclude(reasonOf({ error: "model is down" }), { _tag: "ServerFailed", detail: "model is down" })
  })

  it("is MalformedResponse with the title of the page if a proxy answers with status 200 and HTML", () => {
    const response = new Response(null, { headers: { "content-type": "text/html" } })
    const { reason } = fromUnexpected("a message", "<html><head><title>Sign in\n to Wifi</title>", response)
    assert.strictEqual(reason._tag, "MalformedResponse")
    assert.strictEqual(reason.detail, 'expected a message, got no JSON (text/html), titled "Sign in to Wifi"')
  })

  it("is MalformedResponse if the body is other JSON", () => {
    const response = new Response(null, { headers: { "content-type": "application/json", "request-id": "req_1" } })
    const { reason } = fromUnexpected("a message", "[1]", response)
    assert.deepStrictEqual(
      { ...reason },
      {
        _tag: "MalformedResponse",
        detail: "expected a message, got other JSON (application/json)",
        status: 200,
        requestId: "req_1"
      }
    )
  })

  it("is found even if the limits in its headers are not numbers", () => {
    const headers = {
      "anthropic-ratelimit-requests-limit": "unlimited",
      "anthropic-ratelimit-requests-remaining": "many"
    }
    assert.isUndefined(answered({ status: 429, headers }).reason.rateLimits)
  })
})

describe("the reason of an error without an answer", () => {
  it("is ConnectionFailed with the code of the innermost cause", () => {
    const system = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" })
    const { reason } = fromUnknown(new APIConnectionError({ cause: new TypeError("fetch failed", { cause: system }) }))
    assert.deepStrictEqual(
      { ...reason },
      {
        _tag: "ConnectionFailed",
        detail: "connect ECONNREFUSED 127.0.0.1:1",
        code: "ECONNREFUSED"
      }
    )
  })

  it("is ConnectionFailed if a body breaks off", () => {
    const terminated = new APIConnectionError({ cause: new TypeError("terminated") })
    assert.strictEqual(fromUnknown(terminated).reason._tag, "ConnectionFailed")
  })

  it("has no code where the cause has none", () => {
    const parser = Object.assign(new Error("Response does not match the HTTP/1.1 protocol"), { code: undefined })
    const { reason } = fromUnknown(new APIConnectionError({ cause: new TypeError("fetch failed", { cause: parser }) }))
    assert.deepStrictEqual({ ...reason }, { _tag: "ConnectionFailed", detail: parser.message })
  })

  it("describes the failure where the innermost cause has no words, as for status 407", () => {
    const { reason } = fromUnknown(
      new APIConnectionError({ cause: new TypeError("fetch failed", { cause: new Error() }) })
    )
    assert.notStrictEqual(reason.detail, "")
  })

  it("is InvalidRequest, and not retryable, if the address or the key cannot be sent", () => {
    const url = Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL" })
    const key = new TypeError('Headers.append: "Bearer sk-ant-api03-abc\ndefSECRETTAIL" is an invalid header value.')
    for (const error of [new APIConnectionError({ cause: url }), key]) {
      const { reason } = fromUnknown(error)
      assert.strictEqual(reason._tag, "InvalidRequest")
      assert.notInclude(reason.message, "SECRETTAIL")
      assert.include(reason.message, "check how the client is configured")
    }
  })

  it("describes the failure of the first of several addresses", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED ::1:80"), { code: "ECONNREFUSED" })
    const { reason } = fromUnknown(new APIConnectionError({ cause: new AggregateError([refused]) }))
    assert.deepInclude(reason, {
      _tag: "ConnectionFailed",
      code: "ECONNREFUSED",
      detail: "connect ECONNREFUSED ::1:80"
    })
  })

  it("is TimedOut if no connection opens in time", () => {
    const error = fromUnknown(new APIConnectionTimeoutError(), 10_000)
    assert.deepInclude(error.reason, { _tag: "TimedOut", detail: "no connection in time" })
    assert.isTrue(error.isRetryable)
  })

  it("is TimedOut, and not retryable, if a client's own fetch gives up on the answer", () => {
    const headers = Object.assign(new Error("Headers Timeout Error"), { code: "UND_ERR_HEADERS_TIMEOUT" })
    for (const [thrown, detail] of [
      [new APIConnectionTimeoutError(), "the client's own fetch gave up waiting after 5m"],
      [new APIConnectionError({ cause: headers }), "the client's own fetch gave up waiting"]
    ] as const) {
      const error = fromUnknown(thrown, 300_100)
      assert.deepInclude(error.reason, { _tag: "TimedOut", detail })
      assert.include(error.message, "raise the limits of that fetch (headersTimeout and bodyTimeout)")
      assert.isFalse(error.isRetryable)
    }
  })

  it.each([
    ["ERR_SSL_WRONG_VERSION_NUMBER", "write http://"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "NODE_EXTRA_CA_CERTS"],
    ["CERT_HAS_EXPIRED", "NODE_EXTRA_CA_CERTS"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "NODE_EXTRA_CA_CERTS"]
  ])("is ConnectionFailed, and not retryable, after the TLS failure %s", (code, remedy) => {
    const error = fromUnknown(new APIConnectionError({ cause: Object.assign(new Error("TLS"), { code }) }))
    assert.strictEqual(error.reason._tag, "ConnectionFailed")
    assert.include(error.message, remedy)
    assert.isFalse(error.isRetryable)
  })

  it("is InvalidRequest, and not retryable, if nothing was sent", () => {
    const { reason } = fromUnknown(new Error("Could not resolve authentication method"))
    assert.strictEqual(reason._tag, "InvalidRequest")
    assert.isFalse(reason.isRetryable)
  })
})

describe("the remedy", () => {
  it.each([
    [404, "<html><title>404 Not Found</title></html>"],
    [404, { detail: "Not Found" }],
    [405, undefined],
    [400, "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>"]
  ])("is to check the address if something other than the Claude API answered: %s %j", (status, body) => {
    const text = typeof body === "string" ? body : undefined
    const error = fromUnknown(APIError.generate(status, text === undefined ? body : undefined, text, new Headers()))
    assert.include(error.message, "check scheme, port and path of the base URL (ANTHROPIC_BASE_URL)")
  })

  it.each([
    [502, "<html><title>502 Bad Gateway</title></html>"],
    [403, "<html><title>403 Forbidden</title></html>"],
    [400, { detail: "max_tokens is missing" }],
    [404, failure("not_found_error", "model: claude-sonet-5-5")]
  ])("is not to check the address after any other answer: %s %j", (status, body) => {
    const text = typeof body === "string" ? body : undefined
    const error = fromUnknown(APIError.generate(status, text === undefined ? body : undefined, text, new Headers()))
    assert.notInclude(error.message, "check scheme, port and path")
  })

  it("is to check the model if the API does not know its name", () => {
    assert.include(answered({ status: 404, type: "not_found_error" }).message, "check the name of the model")
  })
})

describe("an account that the API refuses", () => {
  it.each([
    ["Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.", "BillingFailed"],
    ["You have reached your specified API usage limits. You will regain access on 2026-12-01.", "SpendLimitReached"],
    ["This organization has been disabled.", "BillingFailed"]
  ])("is recognized by its text: %s", (text, reason) => {
    const error = answered({ status: 400, type: "invalid_request_error", text })
    assert.strictEqual(error.reason._tag, reason)
    assert.strictEqual(error.reason.detail, text)
    assert.isFalse(error.isRetryable)
  })
})

describe("isRetryable", () => {
  it("follows from the reason", () => {
    const retryable = answers.filter(([status, type, code]) => answered({ status, type, code }).isRetryable)
    assert.deepStrictEqual(
      new Set(retryable.map(([, , , reason]): string => reason)),
      new Set(["TimedOut", "Conflict", "RateLimited", "ServerFailed", "Overloaded"])
    )
  })

  it("follows x-should-retry, in both directions", () => {
    const retryable = (status: number, header: string) =>
      answered({ status, headers: { "x-should-retry": header } }).isRetryable
    assert.isFalse(retryable(529, "false"))
    assert.isTrue(retryable(400, "true"))
    assert.isTrue(retryable(529, "perhaps"))
    assert.isFalse(retryable(400, "perhaps"))
  })

  it("is false for a reached spending limit, with any x-should-retry", () => {
    const headers = { "x-should-retry": "true" }
    const code = "enforced_spend_limit_reached"
    assert.isFalse(answered({ status: 429, type: "rate_limit_error", code, headers }).isRetryable)
  })
})

describe("retry-after", () => {
  it("is compared with the local clock if the answer has no date", () => {
    const inAMinute = new Date(Date.now() + 60_000).toUTCString()
    const { reason } = answered({ status: 429, headers: { "retry-after": inAMinute } })
    assert.closeTo(Duration.toSeconds(reason.retryAfter ?? 0), 60, 5)
  })

  it.each([
    [{ "retry-after": "7" }, "7s"],
    [{ "retry-after": "0.25" }, "250ms"],
    [{ "retry-after-ms": "1500", "retry-after": "7" }, "1s 500ms"],
    [{ "retry-after-ms": "soon", "retry-after": "7" }, "7s"],
    [{ "retry-after": "Mon, 23 Nov 2026 10:00:30 GMT", date: "Mon, 23 Nov 2026 10:00:00 GMT" }, "30s"],
    [{ "retry-after": "Mon, 23 Nov 2026 09:00:00 GMT", date: "Mon, 23 Nov 2026 10:00:00 GMT" }, undefined],
    [{ "retry-after": "Mon, 23 Nov 2026 10:00:30 GMT" }, undefined],
    [{ "retry-after": "0" }, undefined],
    [{ "retry-after": "-3" }, undefined],
    [{ "retry-after": "soon" }, undefined],
    [{}, undefined]
  ])("reads %j as %s", (headers, wait) => {
    const { retryAfter } = answered({ status: 429, headers: { ...headers } }).reason
    assert.strictEqual(retryAfter && Duration.format(retryAfter), wait)
  })
})

/** Our error for the SDK's error of an answer. */
const answered = ({ status, type, code, text = "something happened", headers }: Answer) =>
  fromUnknown(
    APIError.generate(status, type === undefined ? undefined : failure(type, text, code), text, new Headers(headers))
  )

/** Messages that a careless implementation would match on. */
function messages() {
  return [
    "Overloaded",
    "rate_limit_error",
    "The credit balance is too low",
    "prompt is too long: 1000001 tokens > 1000000 maximum",
    "Request timed out.",
    "enforced_spend_limit_reached",
    "authentication_error"
  ] as const
}

interface Answer {
  readonly status: number
  readonly type?: string | undefined
  readonly code?: string | undefined
  readonly text?: string
  readonly headers?: Record<string, string>
}
