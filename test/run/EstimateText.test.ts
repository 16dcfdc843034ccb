import { assert, describe, it } from "@effect/vitest"
import { Redact } from "effect-claude"
import type { Proposal } from "../../src/pipeline/Confirm.ts"
import * as EstimateText from "../../src/run/EstimateText.ts"
import { request } from "../fixtures.ts"

describe("an estimate as text", () => {
  it("puts the cost of this run first, and then what other flags lead to", () => {
    const costs = (sending: EstimateText.Sending) =>
      EstimateText.toQuestion(proposal, sending)
        .split("\n")
        .filter((line) => line.includes("$"))
        .map((line) => line.trim())
    assert.deepStrictEqual(costs({ mode: "direct", isCached: false }), [
      "cost        $8.00 ($4.00 to $16.00) direct; $99.00 if every answer has max_tokens",
      "$4.00 ($2.00 to $8.00) as Message Batches",
      "$2.00 ($1.00 to $4.00) direct, with the prompt cache",
      "$1.00 ($0.5000 to $2.00) as Message Batches, with the prompt cache"
    ])
    const [first] = costs({ mode: "batches", isCached: true })
    assert.strictEqual(first, "cost        $1.00 ($0.5000 to $2.00) as Message Batches, with the prompt cache")
  })

  it("shows no range of an amount that is known", () => {
    assert.include(EstimateText.toQuestion(proposal, direct), "\ncalls       1.2k\n")
  })

  it("says where amounts come from, and what is not counted", () => {
    const text = EstimateText.toText(
      { ...proposal, isPartial: true, endsAtTools: true, problems: ["Ann: no"] },
      direct,
      Redact.redact
    )
    assert.match(text, /^mails: 600 rows to run, from a random sample of 50 rows\. Nothing was sent\.$/m)
    assert.match(text, /^tokens in .* as the API counted for this job$/m)
    const invalid = EstimateText.toQuestion(
      { ...proposal, invalid: { invalid: 9, problems: ["a", "b", "c", "d"] } },
      direct
    )
    assert.include(invalid, "\n9 rows are invalid and do not run:\n  a\n  b\n  c")
    assert.notInclude(invalid, "\n  d")
    const emulated = EstimateText.toText({ ...proposal, emulated: "used" }, direct, String)
    assert.match(emulated, /^tokens in .* as an emulator counted for this job$/m)
    const ignored = EstimateText.toText({ ...proposal, emulated: "ignored" }, direct, String)
    assert.match(ignored, /^An emulator answered the finished rows\. .* does not use them\.$/m)
    assert.match(text, /^tokens out .* assumed: .*`estimate --measure 20` runs 20 rows to find out$/m)
    assert.match(text, /^time +2 min with 64 calls in flight, .*; 10 min at the rate limits$/m)
    assert.match(text, /^Only the first calls of each row are counted: the step uses services of the job/m)
    assert.match(text, /^The calls after a tool are not counted, so a run costs more: /m)
    assert.match(text, /^1 sampled row did not reach the end, so later calls are missing: Ann: no$/m)
    assert.match(text, /^ {2}classify · claude-sonnet-5-5 · 600 calls · 60\.0k tokens in · 6\.0k out · \$3\.00$/m)
  })

  it("cuts a long request, says by how much, and redacts it", () => {
    const secret = `sk-ant-api03-${"a1B2".repeat(20)}`
    const messages = [{ role: "user" as const, content: `${secret} ${"x".repeat(1000)}` }]
    const requests = [{ key: "7", path: "classify", request: { ...request, messages } }]
    const text = EstimateText.toText({ ...proposal, requests }, direct, Redact.redact)
    assert.notInclude(text, secret)
    assert.match(text, /^── row "7", step classify: claude-/m)
    assert.match(text, /^user: .*x… \(\d+ more characters\)$/m)
  })
})

// Builders

const direct = { mode: "direct", isCached: false } as const

const range = (expected: number) => ({ low: expected / 2, expected, high: 2 * expected })

const step = { models: ["claude-sonnet-5-5"], calls: 600, inputTokens: 60_000, outputTokens: 6000, cost: 3 }

const proposal: Proposal = {
  job: "mails",
  estimate: {
    rows: 600,
    sampled: 50,
    calls: { low: 1200, expected: 1200, high: 1200 },
    inputTokens: range(120_000),
    outputTokens: range(12_000),
    inputBasis: "measured",
    outputBasis: "assumed",
    cost: { direct: range(8), batches: range(4) },
    cachedCost: { direct: range(2), batches: range(1) },
    cacheReadTokens: 90_000,
    most: 99,
    unpriced: [],
    steps: [
      { path: "classify", ...step },
      { path: "answer", ...step }
    ],
    time: { atLimits: 600, atConcurrency: 120, concurrency: 64, latencyBasis: "assumed" },
    mayIterate: false
  },
  requests: [],
  problems: [],
  isPartial: false,
  endsAtTools: false,
  invalid: { invalid: 0, problems: [] },
  emulated: "none"
}
