import { assert, describe, it } from "@effect/vitest"
import { ClaudeError, Job } from "effect-claude"
import { redact } from "../../src/claude/Redact.ts"
import * as StopRules from "../../src/pipeline/StopRules.ts"

describe("StopRules.isCertain", () => {
  it("holds for failures of the account, the key, the model and the connection", () => {
    for (const reason of [
      new ClaudeError.BillingFailed({ detail: "credit balance is too low" }),
      new ClaudeError.SpendLimitReached({ detail: "limit" }),
      new ClaudeError.BudgetExceeded({ detail: "nothing is left" }),
      new ClaudeError.Unauthenticated({ detail: "invalid x-api-key" }),
      new ClaudeError.NotFound({ detail: "model: claude-sonet-5-5" }),
      new ClaudeError.NotFound({ detail: "Publisher Model `projects/p/models/m` was not found" }),
      new ClaudeError.PermissionDenied({ detail: "Your API key does not have permission to use the resource." }),
      new ClaudeError.PermissionDenied({ detail: "no", requestId: "req_1" }),
      new ClaudeError.ConnectionFailed({ detail: "connect", code: "ECONNREFUSED" }),
      new ClaudeError.ConnectionFailed({ detail: "getaddrinfo", code: "ENOTFOUND" }),
      new ClaudeError.ConnectionFailed({ detail: "connect", code: "UND_ERR_CONNECT_TIMEOUT" }),
      new ClaudeError.BatchItemLost({ detail: "canceled", batch: "msgbatch_1", how: "canceled" }),
      new ClaudeError.ConnectionFailed({ detail: "certificate", code: "CERT_HAS_EXPIRED", shouldRetry: false })
    ]) {
      assert.isTrue(StopRules.isCertain(failure(reason)), reason.message)
    }
  })

  it("does not hold for failures that a single row can cause", () => {
    for (const reason of [
      new ClaudeError.InvalidRequest({ detail: "prompt is too long: 210000 tokens > 200000 maximum" }),
      new ClaudeError.NotFound({ detail: "File not found: file_011" }),
      new ClaudeError.BudgetExceeded({ detail: "nothing is left for it", share: 'tenant "acme"' }),
      // A firewall blocked the text of one row.
      new ClaudeError.PermissionDenied({ detail: "Sorry, you have been blocked" }),
      // A gateway can break the connection of a request that it does not accept.
      new ClaudeError.ConnectionFailed({ detail: "socket hang up", code: "ECONNRESET" }),
      // The answer to one row is not HTTP.
      new ClaudeError.ConnectionFailed({ detail: "Headers Overflow Error", code: "UND_ERR_HEADERS_OVERFLOW" }),
      new ClaudeError.ConnectionFailed({ detail: "Response does not match the HTTP/1.1 protocol" }),
      new ClaudeError.BatchItemLost({ detail: "expired", batch: "msgbatch_1", how: "expired" }),
      new ClaudeError.Overloaded({ detail: "busy" }),
      new ClaudeError.Refused({ detail: "no", text: "" })
    ]) {
      assert.isFalse(StopRules.isCertain(failure(reason)), reason.message)
    }
    assert.isFalse(StopRules.isCertain(new Error("credit balance is too low")))
  })
})

describe("StopRules.kindOf", () => {
  it("is the same for details that differ only in numbers and request ids", () => {
    const long = (tokens: number, id: string) =>
      invalid(`prompt is too long: ${tokens} tokens > 200000 maximum, request ${id}`)
    assert.strictEqual(
      StopRules.kindOf(long(210_000, "req_011CabX")),
      StopRules.kindOf(long(345_678, "0190aafc-7d2e-7cc1-8f0e-1c2d3e4f5a6b"))
    )
  })

  it("depends on the words of the detail, the status and the reason", () => {
    const kinds = [
      invalid("no tool"),
      invalid("no schema"),
      invalid("no tool", 400),
      failure(new ClaudeError.RequestTooLarge({ detail: "no tool" })),
      new Error("no tool")
    ].map(StopRules.kindOf)
    assert.strictEqual(new Set(kinds).size, 5)
  })

  it("is the same for all retryable failures, since an outage shows in many ways", () => {
    assert.strictEqual(
      StopRules.kindOf(failure(new ClaudeError.Overloaded({ detail: "busy", status: 529 }))),
      StopRules.kindOf(failure(new ClaudeError.ServerFailed({ detail: "gateway", status: 502 })))
    )
  })

  it("is quick for a long detail without a number", () => {
    assert.include(StopRules.kindOf(invalid("a".repeat(1_000_000))), "aaa")
  })
})

describe("StopRules.isRepeated", () => {
  it("holds for the reason of an earlier run, unless the failure may pass", () => {
    assert.isTrue(StopRules.isRepeated(invalid("no tool"), "InvalidRequest"))
    assert.isFalse(StopRules.isRepeated(invalid("no tool"), "OutputTruncated"))
    assert.isFalse(StopRules.isRepeated(invalid("no tool"), undefined))
    assert.isFalse(StopRules.isRepeated(failure(new ClaudeError.Overloaded({ detail: "busy" })), "Overloaded"))
  })
})

describe("JobHopeless", () => {
  it("names the failure and the remedy, and suggests to catch errors of single rows in the step", () => {
    const error = StopRules.hopeless(invalid("no tool", 400), redact)
    assert.strictEqual(
      error.message,
      "16 consecutive rows failed alike: InvalidRequest (400): no tool; change the request; " +
        "or catch this error in the step, to continue past such rows"
    )
    assert.strictEqual(error.reason?._tag, "InvalidRequest")
    assert.strictEqual(
      StopRules.hopeless(failure(new ClaudeError.Overloaded({ detail: "busy" })), redact).message,
      "16 consecutive rows failed alike: Overloaded: busy; try again later"
    )
  })
})

describe("JobNeeds", () => {
  it("is recognised by Effect's own defect", () => {
    assert.deepStrictEqual(
      StopRules.missingService(new Error("Service not found: app/Db")),
      new Job.JobNeeds({ service: "app/Db" })
    )
    assert.isUndefined(StopRules.missingService(new Error("Failed: Service not found: app/Db")))
    assert.isUndefined(StopRules.missingService(new Error("Service not found")))
    assert.isUndefined(StopRules.missingService("Service not found: app/Db"))
  })
})

// Builders

const failure = (reason: ClaudeError.Reason) => new ClaudeError.ClaudeError({ reason })
const invalid = (detail: string, status?: number) =>
  failure(new ClaudeError.InvalidRequest({ detail, ...(status !== undefined && { status }) }))
