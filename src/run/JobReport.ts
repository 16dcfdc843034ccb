/**
 * The report of a run, as text or as JSON: the finished rows and where they are, the failed rows and why, the calls and
 * their cost, and how to continue.
 */
import * as BigDecimal from "effect/BigDecimal"
import { ClaudeError } from "../claude/ClaudeError.ts"
import * as Cost from "../claude/Cost.ts"
import * as Evaluation from "../pipeline/Evaluation.ts"
import { JobBroken, type Summary } from "../pipeline/Job.ts"
import * as Progress from "../pipeline/Progress.ts"
import * as Advice from "./Advice.ts"

/** How to continue after a stop. */
export const howToContinue = "run the same command again to continue"

/** What the next run works on if no row is pending. */
const only = (rows: number) => (rows === 1 ? " with this row only" : " with these rows only")

/** The facts of a run that has ended. */
export interface JobReport {
  readonly summary: Summary
  readonly progress: Progress.Progress
  readonly output: string
  readonly state: string
  /** The command that writes the report of the job, for a shell. */
  readonly reportCommand: string
  /** The command that resumes the job where it is paused. */
  readonly resumeCommand: string
  /** Whether a signal asked the run to stop. */
  readonly isInterrupted: boolean
  /** For `map`: the most tokens of an answer. Errors then advise flags. */
  readonly maxTokens?: number | undefined
  /** What to say if the flags select no row; undefined if they cannot tell why. */
  readonly unselected: string | undefined
  /** If the results have scores. */
  readonly evaluation?: Evaluation.Evaluation | undefined
  /** The part of the cost of this run that is the judge's. */
  readonly judgeCost?: BigDecimal.BigDecimal | undefined
}

/**
 * 0: every row, or every selected row, is done; 1: some rows failed; 3: the run stopped early; 130: by a signal
 * (`Signals` has 143 for SIGTERM).
 */
export const exitCode = ({ isInterrupted, summary }: JobReport): number => {
  const { stopped } = summary
  if (stopped !== undefined && stopped !== "selection") return isInterrupted ? 130 : 3
  return failedIn(summary) > 0 ? 1 : 0
}

/** The rows that make the run fail. Invalid rows do, unless a file lists them. */
const failedIn = ({ failed, invalid, rejectsFile }: Summary): number =>
  rejectsFile === undefined ? failed + invalid : failed

/** The report for people. */
export const toText = (report: JobReport): string => {
  const { maxTokens } = report
  const text = linesOf(report)
    .filter((line) => line !== false)
    .join("\n")
  return maxTokens === undefined ? text : Advice.inFlags(text, maxTokens)
}

const linesOf = (report: JobReport): ReadonlyArray<string | false> => {
  const { output, progress, state, summary } = report
  const failed = failedIn(summary)
  const more = failed - summary.problems.length
  return [
    `${summary.done} of ${summary.total} rows are done: ${output} (state: ${state})`,
    failed > 0 &&
      `${failures(summary)}; correct ${failed === 1 ? "it" : "them"} and ${howToContinue}${summary.pending > 0 ? "" : only(failed)}:`,
    ...summary.problems.map((problem) => `  ${problem}`),
    more > 0 && `  … and ${more} more`,
    summary.failuresFile !== undefined && `All failed rows, with attempts and cost: ${summary.failuresFile}`,
    summary.rejectsFile !== undefined &&
      `${Progress.counted(summary.invalid, "row is", "rows are")} invalid, with reasons: ${summary.rejectsFile}`,
    summary.inputChanged && inputChanged,
    report.evaluation !== undefined && Evaluation.toText(report.evaluation),
    used(report),
    judged(report),
    notStored(report),
    Progress.fallbacks(progress),
    Progress.hedges(progress),
    Progress.invalidOutputs(progress),
    Progress.replays(progress),
    Progress.batches(progress),
    Progress.promptCache(progress),
    Progress.responseCache(progress),
    isEmulated(report) &&
      "An emulator answered, not Claude: nothing was billed, and the answers only quote the prompts.",
    summary.done > 0 && `To see it as a page: ${report.reportCommand}`,
    endOf(report)
  ]
}

/** The rows that failed, and the rows that cannot run at all: unreadable lines, and keys that occur twice. */
const failures = ({ failed, invalid, rejectsFile }: Summary): string => {
  const invalidRows =
    invalid > 0 && rejectsFile === undefined && Progress.counted(invalid, "row is invalid", "rows are invalid")
  return [failed > 0 && `${failed} failed`, invalidRows].filter((part) => part !== false).join(", and ")
}

/**
 * The report for programs. Costs and savings are exact US dollars; calls without a known price are left out. `cost` is that
 * of this run, `totalCost` that of all runs of the job.
 */
export const toJson = (report: JobReport): string => {
  const { output, progress, state, summary } = report
  const { cacheReadTokens, cacheWrittenTokens, calls, fallbacks, hedges, inputTokens, outputTokens } = progress
  const { reasked, repaired, retries } = progress
  const stopped = summary.stopped === undefined ? null : reasonOf(summary.stopped)
  const { all, run } = summary.cost
  const { unpriced: unpricedCalls } = run
  const cost = BigDecimal.format(run.cost)
  const totals = { totalCalls: all.calls, totalCost: BigDecimal.format(all.cost) }
  const cacheSaved = BigDecimal.format(progress.cacheSaved)
  const used = {
    calls,
    retries,
    fallbacks,
    hedges,
    repaired,
    reasked,
    inputTokens,
    outputTokens,
    cost,
    unpricedCalls,
    emulated: isEmulated(report)
  }
  const { batchesEnded, batchesLost, replays } = progress
  const replaysSaved = BigDecimal.format(progress.replaysSaved)
  const batchesSaved = BigDecimal.format(progress.batchesSaved)
  const saved = { replays, replaysSaved, batchesEnded, batchesLost, batchesSaved }
  const failuresFile = summary.failuresFile ?? null
  const rejectsFile = summary.rejectsFile ?? null
  const unstoredCost = BigDecimal.format(unstored(report))
  const promptCache = { cacheReadTokens, cacheWrittenTokens, cacheSaved }
  const { cacheFailures, hits, unpricedHits } = progress
  const hitsSaved = BigDecimal.format(progress.hitsSaved)
  const responseCache = { hits, hitsSaved, unpricedHits, cacheFailures }
  const caches = { ...promptCache, ...responseCache }
  const { evaluation, judgeCost } = report
  return JSON.stringify({
    ...summary,
    ...(evaluation !== undefined && { evaluation }),
    ...(judgeCost !== undefined && { judgeCost: BigDecimal.format(judgeCost) }),
    stopped,
    failuresFile,
    rejectsFile,
    ...used,
    ...totals,
    unstoredCost,
    ...saved,
    ...caches,
    output,
    state,
    exitCode: exitCode(report)
  })
}

/** The output may hold answers of earlier runs only, and this run may have had no usable answer. */
const isEmulated = ({ progress, summary }: JobReport) => progress.emulated || summary.emulated

const inputChanged =
  "The input has changed since the run before. Rows that were finished keep their results, also where they were edited: " +
  "--rerun runs every row again, and pays only for calls that have changed."

const used = (report: JobReport): string => {
  const { progress, summary } = report
  const { calls, inputTokens, outputTokens, retries } = progress
  const tokens = `${Progress.tokens(inputTokens)} tokens in, ${Progress.tokens(outputTokens)} out`
  const { all, run } = summary.cost
  const money = all.calls === run.calls ? costOf(run) : `this run ${costOf(run)}, all runs ${costOf(all)}`
  const cost = isEmulated(report) ? `the same calls to Claude would cost ${money}` : money
  const { counted } = Progress
  return `${counted(Math.max(0, calls - retries), "call", "calls")} (${counted(retries, "retry", "retries")}), ${tokens}: ${cost}`
}

const judged = ({ judgeCost }: JobReport): string | false =>
  judgeCost !== undefined && `${Cost.format(judgeCost)} of it for the judge`

/** The cost of answers that a broken store did not take. No total includes it. */
const unstored = ({ progress, summary }: JobReport): BigDecimal.BigDecimal =>
  summary.stopped instanceof JobBroken
    ? BigDecimal.max(BigDecimal.subtract(progress.cost, summary.cost.run.cost), BigDecimal.fromBigInt(0n))
    : BigDecimal.fromBigInt(0n)

const notStored = (report: JobReport): string | false => {
  const cost = unstored(report)
  return (
    !BigDecimal.isZero(cost) &&
    `answers for ${Cost.format(cost)} more have arrived and could not be stored: the next run pays for them again`
  )
}

const costOf = ({ cost, unpriced }: Summary["cost"]["run"]) => Progress.cost({ cost, unpricedCalls: unpriced })

const endOf = ({ progress, resumeCommand, summary, unselected }: JobReport): string | false => {
  const { stopped } = summary
  if (stopped === undefined) return false
  const { failedBefore = 0 } = summary
  const pending = Progress.counted(summary.pending, "row is", "rows are")
  const before = failedBefore === 0 ? "" : `, of which ${failedBefore} failed in an earlier run`
  if (stopped === "signal" && progress.paused) {
    return `Stopped: the job is paused, and the program was asked to stop. ${pending} pending${before}: ${resumeCommand}, and then ${howToContinue}.`
  }
  if (stopped !== "selection")
    return `Stopped: ${reasonOf(stopped)}. ${pending} pending${before}: ${remedyOf(stopped)}.`
  const hasRun = progress.succeeded + progress.failed > 0
  return hasRun || unselected === undefined
    ? `${pending} not selected, and pending${before}.`
    : `${unselected}. ${pending} pending${before}.`
}

const remedyOf = (stopped: NonNullable<Summary["stopped"]>): string => {
  if (typeof stopped === "string") return howToContinue
  return stopped instanceof ClaudeError && stopped.reason._tag === "BudgetExceeded"
    ? "run the same command again with a larger --budget to continue"
    : `correct this, and then ${howToContinue}`
}

const reasonOf = (stopped: NonNullable<Summary["stopped"]>): string => {
  switch (stopped) {
    case "limit":
      return "the limit of this run is reached"
    case "selection":
      return "every selected row has run"
    case "failures":
      return "as many rows have failed as this run allows"
    case "signal":
      return "the program was asked to stop"
    case "input":
      return "the input changed between two reads, or it can be read only once; pass a file, an array or a function"
    default:
      return stopped.message
  }
}
