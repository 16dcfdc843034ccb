import { assert, describe, it } from "@effect/vitest"
import { ClaudeError, Progress } from "effect-claude"
import * as JobReport from "../../src/run/JobReport.ts"

describe("JobReport", () => {
  it("ends with 0 when every row is done, 1 when some failed, 3 when it stopped before the end", () => {
    assert.strictEqual(JobReport.exitCode(report({})), 0)
    assert.strictEqual(JobReport.exitCode(report({ failed: 1 })), 1)
    assert.strictEqual(JobReport.exitCode(report({ invalid: 1 })), 1)
    assert.strictEqual(JobReport.exitCode(report({ stopped: "limit", failed: 1 })), 3)
  })

  it("says what is done and where, what it took, and how to go on", () => {
    const text = JobReport.toText(report({ failed: 25, problems: ["Ann: refused"], stopped: unauthenticated }))
    assert.strictEqual(
      text,
      [
        "3 of 30 rows are done: out.jsonl (state: out.state.sqlite)",
        "25 failed; mend what can be mended, and run the same command again to go on, with these only:",
        "  Ann: refused",
        "  … and 24 more",
        "0 calls (0 retries), 0 tokens in, 0 out: $0.00",
        "Stopped: Unauthenticated: bad key; check ANTHROPIC_API_KEY. The other rows are pending: run the same command again to go on."
      ].join("\n")
    )
  })

  it("never passes an emulator for Claude", () => {
    const emulated = { ...report({}), progress: { ...Progress.empty, emulated: true } }
    assert.match(JobReport.toText(emulated), /An emulator answered, not Claude: nothing was billed/)
    assert.deepInclude(JSON.parse(JobReport.toJson(emulated)), { emulated: true, exitCode: 0, done: 3, stopped: null })
  })
})

const unauthenticated = new ClaudeError.ClaudeError({ reason: new ClaudeError.Unauthenticated({ detail: "bad key" }) })

const report = (summary: Partial<JobReport.JobReport["summary"]>): JobReport.JobReport => ({
  summary: { total: 30, done: 3, failed: 0, invalid: 0, problems: [], stopped: undefined, ...summary },
  progress: Progress.empty,
  output: "out.jsonl",
  state: "out.state.sqlite"
})
