/**
 * Runs the failed rows of a job that a state names, with the command line that the state keeps. It runs in the folder where
 * that command began, so that its relative paths hold.
 */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stdio from "effect/Stdio"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import type * as Journal from "../pipeline/Journal.ts"
import * as Progress from "../pipeline/Progress.ts"
import * as CommandLine from "./CommandLine.ts"
import { ExitWith } from "./ExitWith.ts"
import * as JobFlags from "./JobFlags.ts"
import * as JobRun from "./JobRun.ts"
import * as MapFlags from "./MapFlags.ts"
import * as MapJob from "./MapJob.ts"
import * as OpenState from "./OpenState.ts"
import * as Postgres from "./Postgres.ts"
import type { RetryFlags } from "./RetryFlags.ts"
import * as RunFlags from "./RunFlags.ts"
import * as ScoreFlags from "./ScoreFlags.ts"

const refuse = (message: string) => Effect.fail(new ExitWith(2, message))

/** The flags of `retry` that the stored command does not have. */
const own = ["job", "reason"]

/** Which rows to run. */
export const only = ({ reason }: Pick<RetryFlags, "reason">): Exclude<Journal.Which, "all" | "untried"> =>
  Option.match(reason, { onNone: () => "failed", onSome: (reason) => ({ reason }) })

/** Runs the failed rows of a job in a state. */
export const ofState = Effect.fnUntraced(function* (flags: RetryFlags) {
  if (Option.isSome(flags.state)) return yield* refuse(`${flags.job} names the state already: leave --state out`)
  const { command, path } = yield* read(flags)
  const args = yield* (yield* Stdio.Stdio).args
  const given = args.slice(args.indexOf("retry") + 1)
  const here = process.cwd()
  const state = Postgres.isAddress(flags.job) ? flags.job : resolve(path)
  const changed = CommandLine.change(command, { given, own, state, folder: here })
  if (changed.missing.length > 0) return yield* refuse(missing(changed.missing, CommandLine.toText(command, here)))
  if (!existsSync(command.folder)) return yield* refuse(noFolder(command))
  if (command.folder !== here) {
    yield* Console.error(`the run began in ${command.folder}: its relative paths are from there`)
  }
  yield* within(command.folder, Command.runWith(commands(flags), { version: "" })(changed.args)).pipe(
    // It is shown already.
    Effect.catchIf(CliError.isCliError, () => Effect.fail(new ExitWith(2)))
  )
})

/** The command of a job in a state, which has failed rows of the reason that is asked for. */
const read = Effect.fnUntraced(
  function* ({ job: place, jobName, reason }: RetryFlags) {
    const { command, job, path, reasons, shared } = yield* OpenState.one({ state: place, job: jobName })
    if (command === null) return yield* refuse(notStored(path, job))
    if (shared !== undefined) return yield* refuse(isShared(job, CommandLine.toText(command, process.cwd())))
    const found = yield* reasons
    if (Option.isSome(reason) && found.length > 0 && !found.some((one) => one.reason === reason.value)) {
      const list = found.map(({ reason, rows }) => `${reason} (${Progress.counted(rows, "row", "rows")})`).join(", ")
      return yield* refuse(`no failed row has the reason ${reason.value}: the reasons are ${list}`)
    }
    return { command, path }
  },
  Effect.scoped,
  (effect) => OpenState.toExit(effect)
)

/** The commands that a state keeps, for failed rows. */
const commands = (flags: RetryFlags) => {
  const selection = { only: only(flags) }
  return Command.make("effect-claude").pipe(
    Command.withSubcommands([
      Command.make("run", { ...JobFlags.flags, ...RunFlags.flags }, (flags) =>
        JobRun.run(flags, JobFlags.load(flags), selection)
      ),
      Command.make("map", { ...MapFlags.flags, ...ScoreFlags.flags, ...RunFlags.flags }, (flags) =>
        // The run was asked for with --yes, which is not stored, or the prompt has a column.
        JobRun.run(flags, MapJob.load({ ...flags, yes: true }), selection)
      )
    ])
  )
}

/** Runs an effect in another working folder. */
const within = <A, E, R>(folder: string, effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const before = process.cwd()
      process.chdir(folder)
      return before
    }),
    () => effect,
    (before) => Effect.sync(() => process.chdir(before))
  )

const isShared = (job: string, command: string) =>
  `workers run the rows of "${job}": submit it again, which tries its failed rows: ${command}`

const notStored = (path: string, job: string) =>
  `${path} does not keep the command of "${job}", which a program or an earlier version has run: name the job file and ` +
  "its flags, as in effect-claude retry job.ts --output results.jsonl, or run the same command or program again"

const noFolder = ({ folder }: Journal.Command) =>
  `the run began in ${folder}, which no longer exists, so its relative paths lead nowhere: make the folder again, or run ` +
  "the command with all its flags elsewhere"

/** `map` takes its prompt and its data from flags that `retry` does not have. */
const missing = (omitted: ReadonlyArray<string>, command: string) =>
  `passwords and standard input are not stored: give ${omitted.join(" and ")} again, or the whole command: ${command}`
