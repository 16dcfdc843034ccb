import { assert, describe, it } from "@effect/vitest"
import { ClaudeError, Progress } from "effect-claude"
import { BigDecimal } from "effect"
import * as JobReport from "../../src/run/JobReport.ts"

describe("JobReport", () => {
  it("has exit code 0 when every row is done, 1 when some failed, and 3 when the run stopped early", () => {
    assert.strictEqual(JobReport.exitCode(report({})), 0)
    assert.strictEqual(JobReport.exitCode(report({ failed: 1 })), 1)
    assert.strictEqual(JobReport.exitCode(report({ invalid: 1 })), 1)
    assert.strictEqual(JobReport.exitCode(report({ stopped: "limit", failed: 1 })), 3)
    assert.strictEqual(JobReport.exitCode(report({ stopped: "input", pending: 1 })), 3)
  })

  it("reports the finished rows, the failed ones, the cost, and how to continue", () => {
    const problems = ["Ann: refused"]
    const text = JobReport.toText(report({ failed: 25, pending: 2, problems, stopped: unauthenticated }))
    assert.strictEqual(
      text,
      [
        "3 of 30 rows are done: out.jsonl (state: out.state.sqlite)",
        "25 failed; correct them and run the same command again to continue with these rows only:",
        "  Ann: refused",
        "  … and 24 more",
        "0 calls (0 retries), 0 tokens in, 0 out: $0.00",
        "Stopped: Unauthenticated: bad key; check ANTHROPIC_API_KEY. 2 rows are pending: run the same command again to continue."
      ].join("\n")
    )
  })

  it("reports an input that differs between two reads", () => {
    assert.include(
      JobReport.toText(report({ pending: 1, stopped: "input" })),
      "Stopped: the input changed between two reads, or it can be read only once; pass a file, an array or a function. " +
        "1 row is pending: run the same command again to continue."
    )
  })

  it("uses the singular for one call", () => {
    const progress = { ...Progress.empty, calls: 1, retries: 1 }
    assert.include(JobReport.toText({ ...report({}), progress }), "1 call (1 retry), 0 tokens in, 0 out: $0.00")
  })

  it("reports the savings of the prompt cache", () => {
    const saved = BigDecimal.fromStringUnsafe("3.1")
    const progress = { ...Progress.empty, cacheReadTokens: 1200, cacheWrittenTokens: 40, cacheSaved: saved }
    assert.include(
      JobReport.toText({ ...report({}), progress }).split("\n"),
      "prompt cache: 1.2k tokens read, 40 written: saved $3.10"
    )
    const json = JSON.parse(JobReport.toJson({ ...report({}), progress }))
    assert.deepInclude(json, { cacheReadTokens: 1200, cacheWrittenTokens: 40, cacheSaved: "3.1" })
  })

  it("gives programs the exact cost and the number of calls without a known price", () => {
    const progress = { ...Progress.empty, cost: BigDecimal.fromStringUnsafe("0.00000012345"), unpricedCalls: 2 }
    const json = JSON.parse(JobReport.toJson({ ...report({ pending: 1 }), progress }))
    assert.deepInclude(json, { cost: "0.00000012345", unpricedCalls: 2, pending: 1 })
  })

  it("reports that an emulator answered", () => {
    const emulated = { ...report({}), progress: { ...Progress.empty, emulated: true } }
    assert.match(JobReport.toText(emulated), /An emulator answered, not Claude: nothing was billed/)
    assert.deepInclude(JSON.parse(JobReport.toJson(emulated)), { emulated: true, exitCode: 0, done: 3, stopped: null })
    // An earlier run did all the work, so this run sent nothing.
    assert.match(JobReport.toText(report({ emulated: true })), /An emulator answered, not Claude/)
    assert.deepInclude(JSON.parse(JobReport.toJson(report({ emulated: true }))), { emulated: true })
  })
})

const unauthenticated = new ClaudeError.ClaudeError({ reason: new ClaudeError.Unauthenticated({ detail: "bad key" }) })

const nothing = { calls: 0, cost: BigDecimal.fromBigInt(0n), unpriced: 0 }

const report = (summary: Partial<JobReport.JobReport["summary"]>): JobReport.JobReport => ({
  summary: {
    total: 30,
    done: 3,
    failed: 0,
    pending: 0,
    invalid: 0,
    problems: [],
    failuresFile: undefined,
    cost: { run: nothing, all: nothing },
    emulated: false,
    stopped: undefined,
    ...summary
  },
  progress: Progress.empty,
  output: "out.jsonl",
  state: "out.state.sqlite"
})
