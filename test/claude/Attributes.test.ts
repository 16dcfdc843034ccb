import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import * as Attributes from "../../src/claude/Attributes.ts"
import { ClaudeError, TimedOut } from "../../src/claude/ClaudeError.ts"
import * as Watch from "../../src/claude/Watcher.ts"
import { message, request } from "../fixtures.ts"

describe("the provider", () => {
  it.each([
    ["https://api.anthropic.com", "anthropic", "api.anthropic.com", 443],
    ["http://127.0.0.1:8787", "anthropic", "127.0.0.1", 8787],
    ["http://proxy.example", "anthropic", "proxy.example", 80],
    ["https://bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock", "bedrock-runtime.us-east-1.amazonaws.com", 443],
    ["https://aiplatform.googleapis.com/v1", "gcp.vertex_ai", "aiplatform.googleapis.com", 443],
    ["https://us-east5-aiplatform.googleapis.com/v1", "gcp.vertex_ai", "us-east5-aiplatform.googleapis.com", 443],
    ["https://aiplatform.eu.rep.googleapis.com/v1", "gcp.vertex_ai", "aiplatform.eu.rep.googleapis.com", 443],
    ["https://mine.services.ai.azure.com/anthropic/", "anthropic", "mine.services.ai.azure.com", 443]
  ])("of %s is %s", (url, provider, address, port) => {
    assert.deepStrictEqual(Attributes.ofProvider(url), {
      "gen_ai.provider.name": provider,
      "server.address": address,
      "server.port": port
    })
  })

  it.each([undefined, "not an address"])("without an address is anthropic: %s", (url) => {
    assert.deepStrictEqual(Attributes.ofProvider(url), { "gen_ai.provider.name": "anthropic" })
  })
})

describe("an outcome", () => {
  it("reports whether the emulator answered", () => {
    const facts = { requestId: "req_emulated_1", origin: "api", rateLimits: undefined } as const
    const attributes = Attributes.ofOutcome({ ...outcome, facts })
    assert.strictEqual(attributes["effect_claude.emulated"], true)
  })

  it("has the id of a failed request", () => {
    const error = new ClaudeError({ reason: new TimedOut({ detail: "late", requestId: "req_9" }) })
    const attributes = Attributes.ofOutcome({ ...outcome, message: undefined, exit: Exit.fail(error) })
    assert.deepStrictEqual(attributes, {
      "gen_ai.response.finish_reasons": ["error"],
      "error.type": "TimedOut",
      "effect_claude.attempts": 0,
      "effect_claude.cost.usd": 0,
      "effect_claude.request_id": "req_9"
    })
  })

  it("has no error for an interruption, and _OTHER for a defect", () => {
    assert.isUndefined(Attributes.errorType(Exit.interrupt()))
    assert.strictEqual(Attributes.errorType(Exit.die("broken")), "_OTHER")
  })
})

describe("a request", () => {
  it("has a name without its prompt", () => {
    assert.deepStrictEqual(Attributes.ofRequest({ ...request, system: "Be brief." }, true), {
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "claude-sonnet-5-5",
      "gen_ai.request.max_tokens": 100,
      "gen_ai.request.stream": true
    })
  })
})

// Builders

const outcome: Watch.Outcome = {
  ...Watch.empty,
  exit: Exit.void,
  duration: Duration.zero,
  facts: undefined,
  message: message(),
  length: 0
}
