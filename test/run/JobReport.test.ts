import { assert, describe, it } from "@effect/vitest"
import { ClaudeError, Job, Progress } from "effect-claude"
import { BigDecimal } from "effect"
import * as JobReport from "../../src/run/JobReport.ts"

describe("JobReport", () => {
  it("has exit code 0 when every row is done, 1 when some failed, and 3 when the run stopped early", () => {
    assert.strictEqual(JobReport.exitCode(report({})), 0)
    assert.strictEqual(JobReport.exitCode(report({ failed: 1 })), 1)
    assert.strictEqual(JobReport.exitCode(report({ invalid: 1 })), 1)
    assert.strictEqual(JobReport.exitCode(report({ stopped: "limit", failed: 1 })), 3)
    assert.strictEqual(JobReport.exitCode(report({ stopped: "selection", pending: 9 })), 0)
    assert.strictEqual(JobReport.exitCode(report({ stopped: "selection", failed: 1, pending: 9 })), 1)
    assert.strictEqual(JobReport.exitCode(report({ stopped: "input", pending: 1 })), 3)
  })

  it("reports the finished rows, the failed ones, the cost, and how to continue", () => {
    const problems = ["Ann: refused"]
    const text = JobReport.toText(report({ failed: 25, pending: 2, problems, stopped: unauthenticated }))
    assert.strictEqual(
      text,
      [
        "3 of 30 rows are done: out.jsonl (state: out.state.sqlite)",
        "25 failed; correct them and run the same command again to continue:",
        "  Ann: refused",
        "  … and 24 more",
        "0 calls (0 retries), 0 tokens in, 0 out: $0.00",
        "To see it as a page: effect-claude report out.jsonl",
        "Stopped: Unauthenticated: bad key; check ANTHROPIC_API_KEY. 2 rows are pending: correct this, and then run the same " +
          "command again to continue."
      ].join("\n")
    )
  })

  it("promises to run only the failed rows again if no other row is left", () => {
    assert.include(JobReport.toText(report({ failed: 2 })), "2 failed; correct them and run the same command again")
    assert.include(
      JobReport.toText(report({ failed: 1 })),
      "1 failed; correct it and run the same command again to continue with this row only:"
    )
  })

  it("advises flags for a run of map", () => {
    const problems = ["Ann: OutputTruncated: raise max_tokens"]
    const text = JobReport.toText({ ...report({ failed: 1, problems }), maxTokens: 500 })
    assert.include(text, "Ann: OutputTruncated: run it with --max-tokens 1000 --keep")
  })

  it("tells rows that are invalid from rows that failed", () => {
    assert.include(JobReport.toText(report({ invalid: 3 })), "3 rows are invalid; correct them and run")
    assert.include(JobReport.toText(report({ failed: 2, invalid: 1 })), "2 failed, and 1 row is invalid; correct them")
  })

  it("reports an input that differs between two reads", () => {
    assert.include(
      JobReport.toText(report({ pending: 1, stopped: "input" })),
      "Stopped: the input changed between two reads, or it can be read only once; pass a file, an array or a function. " +
        "1 row is pending: run the same command again to continue."
    )
  })

  it("says what happens to finished rows if the input has changed", () => {
    assert.include(
      JobReport.toText(report({ inputChanged: true })),
      "The input has changed since the run before. Rows that were finished keep their results, also where they were edited: --rerun"
    )
  })

  it("reports the answers that a broken store did not take", () => {
    const stopped = new Job.JobBroken({ detail: "disk full" })
    const progress = { ...Progress.empty, calls: 3, cost: BigDecimal.fromStringUnsafe("0.25") }
    const broken = { ...report({ stopped, pending: 3 }), progress }
    assert.include(
      JobReport.toText(broken),
      "answers for $0.2500 more have arrived and could not be stored: the next run pays for them again"
    )
    assert.deepInclude(JSON.parse(JobReport.toJson(broken)), { cost: "0", unstoredCost: "0.25" })
    assert.notInclude(JobReport.toText({ ...report({ stopped: "limit" }), progress }), "could not be stored")
  })

  it("tells rows that failed in an earlier run from the other pending ones, as status does", () => {
    const stopped = report({ pending: 5, failedBefore: 2, stopped: "limit" })
    assert.match(JobReport.toText(stopped), /5 rows are pending, of which 2 failed in an earlier run: run the same/)
  })

  it("uses the singular for one call", () => {
    const progress = { ...Progress.empty, calls: 2, retries: 1 }
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

  it("names the report only where a row has run", () => {
    assert.match(JobReport.toText(report({ done: 1 })), /To see it as a page: effect-claude report out\.jsonl$/)
    assert.notInclude(JobReport.toText(report({ done: 0, pending: 3, stopped: "signal" })), "as a page")
  })

  it("reports what this run and all runs cost, and the number of calls without a known price", () => {
    const run = { calls: 2, cost: BigDecimal.fromStringUnsafe("2.48"), unpriced: 0 }
    const all = { calls: 9, cost: BigDecimal.fromStringUnsafe("11.46"), unpriced: 1 }
    const lines = (cost: Partial<JobReport.JobReport["summary"]["cost"]>) =>
      JobReport.toText(report({ cost: { run, all, ...cost } }))
    assert.include(
      lines({}),
      "0 calls (0 retries), 0 tokens in, 0 out: this run $2.48, all runs $11.46 and 1 call with no known price"
    )
    assert.match(lines({ all: run }), /0 out: \$2\.48$/m)
  })

  it("gives programs exact costs", () => {
    const run = { calls: 2, cost: BigDecimal.fromStringUnsafe("0.00000012345"), unpriced: 2 }
    const all = { calls: 3, cost: BigDecimal.fromStringUnsafe("1.5"), unpriced: 2 }
    const json = JSON.parse(JobReport.toJson(report({ pending: 1, cost: { run, all } })))
    assert.deepInclude(json, { cost: "0.00000012345", unpricedCalls: 2, pending: 1, totalCost: "1.5", totalCalls: 3 })
  })

  it("reports replies of earlier runs, batches, and what they saved", () => {
    const saved = BigDecimal.fromStringUnsafe("1.25")
    const progress = {
      ...Progress.empty,
      replays: 466,
      replaysSaved: saved,
      batchesEnded: 3,
      batchesSaved: BigDecimal.fromStringUnsafe("2")
    }
    const lines = JobReport.toText({ ...report({}), progress }).split("\n")
    assert.includeMembers(lines, [
      "state: 466 answers reused, saved $1.25",
      "batches: 3 batches ended, saved $2.00 against direct calls"
    ])
    const json = JSON.parse(JobReport.toJson({ ...report({}), progress }))
    assert.deepInclude(json, { replays: 466, replaysSaved: "1.25", batchesEnded: 3, batchesSaved: "2" })
  })

  it("reports fallbacks and hedges", () => {
    const progress = { ...Progress.empty, fallbacks: 2, lastFallback: "claude-opus-5-5 → claude-opus-5", hedges: 1 }
    assert.includeMembers(JobReport.toText({ ...report({}), progress }).split("\n"), [
      "fallback: 2 times, last claude-opus-5-5 → claude-opus-5",
      "hedging: 1 late request sent twice"
    ])
    assert.deepInclude(JSON.parse(JobReport.toJson({ ...report({}), progress })), { fallbacks: 2, hedges: 1 })
  })

  it("names the file of all failures", () => {
    const failed = report({ failed: 1, problems: ["Ann: refused"], failuresFile: "out.failures.jsonl" })
    assert.include(JobReport.toText(failed), "\nAll failed rows, with attempts and cost: out.failures.jsonl\n")
    assert.deepInclude(JSON.parse(JobReport.toJson(failed)), { failuresFile: "out.failures.jsonl" })
    assert.deepInclude(JSON.parse(JobReport.toJson(report({}))), { failuresFile: null })
  })

  it("does not count invalid rows as failed where they are in a file", () => {
    const rejected = report({ done: 2, invalid: 1, problems: [], rejectsFile: "bad.csv" })
    assert.include(JobReport.toText(rejected), "\n1 row is invalid, with reasons: bad.csv\n")
    assert.notInclude(JobReport.toText(rejected), "correct")
    assert.strictEqual(JobReport.exitCode(rejected), 0)
    assert.deepInclude(JSON.parse(JobReport.toJson(rejected)), { invalid: 1, rejectsFile: "bad.csv", exitCode: 0 })
  })

  it("has exit code 130 if a signal stopped the run, and says so", () => {
    const stopped = { ...report({ stopped: "signal", pending: 2 }), isInterrupted: true }
    assert.strictEqual(JobReport.exitCode(stopped), 130)
    assert.match(JobReport.toText(stopped), /Stopped: the program was asked to stop\. 2 rows are pending: /)
    assert.strictEqual(JobReport.exitCode({ ...report({}), isInterrupted: true }), 0)
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
    inputChanged: false,
    stopped: undefined,
    ...summary
  },
  progress: Progress.empty,
  output: "out.jsonl",
  state: "out.state.sqlite",
  reportCommand: "effect-claude report out.jsonl",
  resumeCommand: "effect-claude resume out.jsonl",
  isInterrupted: false,
  unselected: undefined
})
