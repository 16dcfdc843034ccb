/**
 * The status of the jobs in a state, as text or as JSON: their rows, what they cost, whether a run is on, its batches, and
 * the latest failures.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Controls from "../pipeline/Controls.ts"
import type * as Journal from "../pipeline/Journal.ts"
import * as Progress from "../pipeline/Progress.ts"
import * as RowFailure from "../pipeline/RowFailure.ts"
import * as CommandLine from "./CommandLine.ts"
import * as OpenState from "./OpenState.ts"
import type { StateFlags } from "./StateFlags.ts"
import * as Watch from "./Watch.ts"

interface StatusFlags extends StateFlags {
  readonly json: boolean
  readonly watch: boolean
}

/** Prints the status of one job of a state, or of all of them: once, or until no run is on. */
export const print = Effect.fnUntraced(function* ({ json, watch, ...given }: StatusFlags) {
  const text = (statuses: ReadonlyArray<Status>) =>
    json ? statuses.map((status) => JSON.stringify(toJson(status))).join("\n") : statuses.map(toText).join("\n\n")
  if (!watch) return yield* Console.log(text(yield* readAll(given)))
  yield* Watch.watch(readAll(given), {
    hasEnded: (statuses) => statuses.every(isIdle),
    text,
    // Rows, and how fast they finish.
    lines: (statuses) =>
      json ? text(statuses) : statuses.map((status) => toText(status).split("\n", 2).join("\n")).join("\n"),
    isForPrograms: json
  })
})

/** A state is opened for each reading: it is what a run has committed then. */
const readAll = Effect.fnUntraced(
  function* (given: StateFlags) {
    const jobs = Option.isSome(given.job) ? [yield* OpenState.one(given)] : yield* OpenState.all(given.state)
    const isNamed = Option.isSome(given.job) || jobs.length > 1
    return yield* Effect.forEach(jobs, (job) => read(job, isNamed))
  },
  Effect.scoped,
  (effect) => OpenState.toExit(effect)
)

/** What is known of a job at one moment. */
export interface Status extends Pick<
  OpenState.JobInState,
  "path" | "job" | "run" | "emulated" | "invalid" | "pausedAt" | "lastRun"
> {
  /** Over all workers; undefined where no others work on the job. */
  readonly limits: Journal.JobLimits | undefined
  /** In milliseconds since 1970. */
  readonly now: number
  readonly rows: Journal.RowCounts
  readonly cost: Journal.RunTotals
  readonly openIn: OpenState.Holder | undefined
  /** What the next run, or the run that is on, is asked to do. */
  readonly waiting: ReadonlyArray<Journal.Control>
  /** A job that was submitted for workers. */
  readonly submitted: undefined | { readonly hasEnded: boolean; readonly lastStop: string | undefined }
  /** The workers of a submitted job. */
  readonly workers: ReadonlyArray<Journal.Worker>
  readonly batches: ReadonlyArray<Journal.BatchInProgress>
  /** One line for each of the latest failures, the last one first. */
  readonly failures: ReadonlyArray<string>
  /** For a shell. Undefined where the state does not keep the command of the job, or there are no such rows. */
  readonly commands: { readonly continue: string | undefined; readonly retry: string | undefined }
}

/** Failures that a status shows. */
const maxFailures = 5

/** Whether the job does nothing. The workers of a submitted job stay when every row has ended. */
const isIdle = ({ openIn, submitted }: Status) => openIn === undefined || submitted?.hasEnded === true

/** Reads what is known of a submitted job only. */
const readSubmitted = Effect.fnUntraced(function* (shared: Journal.Shared) {
  const hasEnded = !(yield* shared.isOpen)
  const found = yield* shared.workerRuns
  const [last] = found.toSorted((one, other) => other.seen - one.seen)
  const stops = yield* shared.stops
  const stop = stops.find(({ outcome, worker }) => outcome === last?.state && worker === last.worker)
  return {
    submitted: { hasEnded, lastStop: stop && (stop.detail ?? stop.outcome) },
    workers: found.map((worker) => (hasEnded && worker.state === "working" ? { ...worker, state: "idle" } : worker))
  }
})

/** Reads the status of a job. `isNamed`: a command must name the job, as its state may hold several. */
const read = Effect.fnUntraced(function* (state: OpenState.JobInState, isNamed: boolean) {
  const { emulated, invalid, job, lastRun, path, pausedAt, run } = state
  const command = state.command && CommandLine.at(state.command, path)
  const failed = yield* state.lastFailures(maxFailures)
  const rows = yield* state.counts
  const openIn = yield* state.openIn
  const retry = ["effect-claude", "retry", path, ...(isNamed ? ["--job", job] : [])].map(CommandLine.quoted).join(" ")
  // A job of workers is submitted again.
  const retryOf = (command: Journal.Command) =>
    state.shared === undefined ? retry : CommandLine.toText(command, process.cwd())
  return {
    path,
    job,
    run,
    emulated,
    invalid,
    pausedAt,
    lastRun,
    limits: state.shared && state.settings,
    // Only a run applies a change.
    waiting: (yield* state.waiting).flatMap(({ control }) =>
      openIn === undefined && Controls.isChange(control) ? [] : [control]
    ),
    now: yield* Clock.currentTimeMillis,
    rows,
    cost: yield* state.totals,
    openIn,
    ...(state.shared === undefined ? { submitted: undefined, workers: [] } : yield* readSubmitted(state.shared)),
    batches: yield* state.batches,
    failures: yield* Effect.forEach(failed, RowFailure.describe),
    commands: {
      continue: command !== null && rows.pending > 0 ? CommandLine.toText(command, process.cwd()) : undefined,
      retry: command !== null && rows.failed > 0 ? retryOf(command) : undefined
    }
  } satisfies Status
})

/** The status for people. */
export const toText = (status: Status): string => {
  const { batches, commands, cost, emulated, failures, invalid, job, now, path, rows } = status
  const { counted } = Progress
  const invalidRows = invalid === undefined || invalid.invalid === 0 ? false : `${invalid.invalid} invalid`
  const parts = [rows.failed > 0 && `${rows.failed} failed`, rows.pending > 0 && `${rows.pending} pending`, invalidRows]
  const more = rows.failed - failures.length
  return [
    `${job}: ${[`${rows.done} of ${rows.total} rows are done`, ...parts].filter((part) => part !== false).join(", ")} (state: ${path})`,
    openOf(status),
    limitsOf(status),
    waitingOf(status),
    cost.runs > 1 ? `this run ${costOf(cost.run)}, all ${cost.runs} runs ${costOf(cost.all)}` : costOf(cost.all),
    emulated === true && "An emulator answers, not Claude: nothing is billed.",
    ...workersOf(status),
    ...batches.map(({ batch, requests, since }) =>
      [batch, counted(requests, "request", "requests"), `sent ${Progress.age(since, now)} ago`].join(" · ")
    ),
    failures.length > 0 && "Latest failures:",
    ...failures.map((failure) => `  ${failure}`),
    more > 0 && `  … and ${more} more`,
    isIdle(status) && commands.continue !== undefined && `To continue: ${commands.continue}`,
    isIdle(status) && commands.retry !== undefined && `To run only the failed rows: ${commands.retry}`
  ]
    .filter((line) => line !== false)
    .join("\n")
}

const openOf = (status: Status): string => {
  const { lastRun, now, openIn, pausedAt, rows, submitted } = status
  const paused = pausedAt === null ? "" : `, and the job is paused since ${Progress.age(pausedAt, now)}`
  const next =
    pausedAt === null ? "run the same command again to continue" : "resume it, and run the same command again"
  if (submitted?.hasEnded === true) {
    return `Every row has ended${openIn === undefined ? "" : `; ready for more: ${openIn.name}`}.`
  }
  if (openIn === undefined && submitted !== undefined) {
    const why = submitted.lastStop === undefined ? "" : ` The last one stopped: ${submitted.lastStop}`
    return `No worker is on${paused}: ${pausedAt === null ? "" : "resume it, and "}start workers.${why}`
  }
  if (openIn === undefined) {
    const how = lastRun.endedAt === null && lastRun.beganAt !== null ? "The last run was killed" : "No run is on"
    return `${how}${paused}${rows.pending > 0 ? `: ${next}.` : "."}`
  }
  const since = openIn.since === undefined ? "" : ` for ${Progress.age(openIn.since, now)}`
  return [`A run is on${since}${paused}: ${openIn.name}`, ...paceOf(status)].join(" · ")
}

/** Rows per second of the run so far, and the time left at this rate. */
const paceOf = ({ lastRun, now, pausedAt, rows }: Status): ReadonlyArray<string> => {
  const { beganAt, doneBefore } = lastRun
  if (beganAt === null || doneBefore === null || pausedAt !== null) return []
  const rate = ((rows.done - doneBefore) * 1000) / Math.max(1, now - beganAt)
  if (rate <= 0) return []
  return [`${rate.toFixed(1)} rows/s`, `${Progress.age(now, now + (rows.pending * 1000) / rate)} left`]
}

/** The limits that hold for all workers together. */
const limitsOf = ({ limits = {} }: Status): string | false => {
  const { budget, concurrency } = limits
  const texts = [
    concurrency && `${Progress.counted(concurrency, "call", "calls")} at once`,
    budget && `a budget of ${budget}`
  ]
  const given = texts.filter((text) => typeof text === "string")
  return given.length > 0 && `All workers together have ${given.join(" and ")}.`
}

/** What has been asked for and not done yet. */
const waitingOf = ({ openIn, waiting }: Status): string | false => {
  if (waiting.length === 0) return false
  // Of two that set the same, the later one counts.
  const last = [...new Map(waiting.map((control) => [control._tag, control])).values()]
  const texts = last.map((control) => {
    switch (control._tag) {
      case "pause":
        return openIn === undefined ? "begin paused" : "pause"
      case "resume":
        return openIn === undefined ? "begin unpaused" : "resume"
      case "concurrency":
        return `set the concurrency to ${control.calls}`
      case "budget":
        return `set the budget to ${control.amount}`
    }
  })
  return `${openIn === undefined ? "At its start, the next run will" : "The run is asked to"}: ${texts.join(", ")}`
}

/** Workers that a status for people shows. */
const maxWorkers = 10

/** The workers, those that work now at the top. */
const workersOf = ({ now, workers }: Status): ReadonlyArray<string> => {
  if (workers.length === 0) return []
  const sorted = workers.toSorted((one, other) => other.seen - one.seen || other.done - one.done)
  const shown = sorted.slice(0, maxWorkers).map(({ done, failed, seen, since, state, worker, ...total }) => {
    const when =
      state === "working" || state === "idle"
        ? `for ${Progress.age(since, now)}`
        : `last seen ${Progress.age(seen, now)} ago`
    const failures = failed > 0 ? `, ${failed} failed` : ""
    return `  ${worker}: ${state} · ${when} · ${Progress.counted(done, "row", "rows")} done${failures} · ${costOf(total)}`
  })
  const more = workers.length - shown.length
  return ["Workers:", ...shown, ...(more > 0 ? [`  … and ${more} more; --json has them all`] : [])]
}

const costOf = ({ calls, cost, unpriced }: Journal.Total) =>
  `${Progress.counted(calls, "call", "calls")}, ${Progress.cost({ cost, unpricedCalls: unpriced })}`

/** The status for programs. Costs are exact US dollars; calls without a known price are left out. Times are ISO 8601. */
export const toJson = ({
  batches,
  commands,
  cost,
  failures,
  invalid,
  limits,
  openIn,
  rows,
  waiting,
  workers,
  ...status
}: Status): object => ({
  job: status.job,
  state: status.path,
  ...rows,
  invalid: invalid?.invalid ?? null,
  run: status.run,
  runs: cost.runs,
  emulated: status.emulated,
  cost: BigDecimal.format(cost.run.cost),
  calls: cost.run.calls,
  totalCost: BigDecimal.format(cost.all.cost),
  totalCalls: cost.all.calls,
  unpricedCalls: cost.all.unpriced,
  openIn:
    openIn === undefined ? null : { name: openIn.name, since: openIn.since === undefined ? null : isoOf(openIn.since) },
  pausedSince: status.pausedAt === null ? null : isoOf(status.pausedAt),
  began: status.lastRun.beganAt === null ? null : isoOf(status.lastRun.beganAt),
  ended: status.lastRun.endedAt === null ? null : isoOf(status.lastRun.endedAt),
  outcome: status.lastRun.outcome,
  concurrency: limits?.concurrency ?? null,
  budget: limits?.budget ?? null,
  waiting,
  workers: workers.map(({ cost, seen, since, ...worker }) => ({
    ...worker,
    cost: BigDecimal.format(cost),
    since: isoOf(since),
    lastSeen: isoOf(seen)
  })),
  batches: batches.map(({ batch, requests, since }) => ({ batch, requests, since: isoOf(since) })),
  failures,
  continue: commands.continue ?? null,
  retry: commands.retry ?? null
})

const isoOf = (time: number) => new Date(time).toISOString()
