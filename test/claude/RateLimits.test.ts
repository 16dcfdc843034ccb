import { assert, describe, it } from "@effect/vitest"
import * as RateLimits from "../../src/claude/RateLimits.ts"

describe("fromHeaders", () => {
  it("reads the buckets that the headers name", () => {
    const headers = new Headers({
      "anthropic-ratelimit-requests-limit": "4000",
      "anthropic-ratelimit-requests-remaining": "3999",
      "anthropic-ratelimit-requests-reset": "2026-11-23T10:00:00Z",
      "anthropic-ratelimit-input-tokens-limit": "2000000",
      "anthropic-ratelimit-input-tokens-remaining": "0",
      "anthropic-ratelimit-output-tokens-limit": "400000"
    })
    assert.deepStrictEqual(RateLimits.fromHeaders(headers), {
      requests: { limit: 4000, remaining: 3999, reset: "2026-11-23T10:00:00Z" },
      inputTokens: { limit: 2_000_000, remaining: 0 }
    })
  })

  it("returns undefined if the headers name no bucket, or have no numbers", () => {
    assert.isUndefined(RateLimits.fromHeaders(new Headers({ "request-id": "req_1" })))
    const headers = { "anthropic-ratelimit-requests-limit": "unlimited", "anthropic-ratelimit-requests-remaining": "" }
    assert.isUndefined(RateLimits.fromHeaders(new Headers(headers)))
  })
})
