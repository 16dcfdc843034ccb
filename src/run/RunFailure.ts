/**
 * Translates what keeps a run from starting, or breaks it off, into the last line on stderr and an exit code. Messages
 * from `pipeline` name no flags, since programs see them too; the flags that help are added here.
 */
import type * as Config from "effect/Config"
import * as Destinations from "../pipeline/Destinations.ts"
import { type JobBroken, JobChanged } from "../pipeline/Job.ts"
import type { DatasetFailed } from "../pipeline/Dataset.ts"
import { JournalFailed } from "../pipeline/Journal.ts"
import { ExitWith } from "./ExitWith.ts"
import { howToContinue } from "./JobReport.ts"
import { PostgresFailed } from "./Postgres.ts"

type Failure = ExitWith | Config.ConfigError | JobBroken | DatasetFailed | Other

/** An error whose message is complete. */
interface Other extends Error {
  readonly _tag: keyof typeof remedies | (string & {})
}

/** A file that fails is the input, unless it is one that the run writes. `place` is the flag that names the journal. */
export const toExit =
  (destinations: Destinations.Destinations, place: "--state" | "--database" = "--state") =>
  (error: Failure): ExitWith => {
    if (error instanceof ExitWith) return error
    if (error instanceof Destinations.DestinationTaken) {
      return new ExitWith(2, `${error.message} (flag: ${flags[error.content]})`)
    }
    if (error instanceof JobChanged) return new ExitWith(2, `${error.summary}; ${keepOrRerun}`)
    switch (error._tag) {
      case "DatasetFailed": {
        const content = Destinations.contents.find((content) => "path" in error && error.path === destinations[content])
        return new ExitWith(2, `${error.message} (flag: ${content === undefined ? "--input" : flags[content]})`)
      }
      case "JobBroken":
        return new ExitWith(3, `${error.message}; finished rows are kept: ${howToContinue}`)
      default:
        return new ExitWith(
          isPassing(error) ? 3 : 2,
          error.message + (remedies[error._tag] ?? remediesAt[place][error._tag] ?? "")
        )
    }
  }

/** Whether the same command may continue without a change, such as after a restart of the database. */
const isPassing = (error: Failure) =>
  (error instanceof PostgresFailed || error instanceof JournalFailed) && error.mayPass === true

const flags = { output: "--output", failures: "--output", rejects: "--rejects", state: "--state" }

const keepOrRerun =
  "nothing was sent; run with --keep to keep the finished rows as they are, or with --rerun to run every row again, " +
  "which pays only for calls that have changed"

const remedies: Readonly<Record<string, string>> = {
  ColumnTaken: " with --only-results",
  ClientMisconfigured: ", or try --emulator, which needs no key",
  DispatcherFailed: " (flag: --database or --queue)",
  RedisFailed: " (flag: --redis)",
  ServerUnreachable: ", or try --emulator"
}

const flagged = (flag: string) => {
  const named = ` (flag: ${flag})`
  return {
    JournalTooNew: `, or use another ${flag} and --output`,
    JournalForeign: named,
    JournalFailed: named,
    PostgresFailed: named,
    SqliteFailed: named,
    SqliteInUse: named
  }
}

/** What helps with the journal of a run, which is a file or a database. */
const remediesAt: Readonly<Record<"--state" | "--database", Readonly<Record<string, string>>>> = {
  "--state": { ...flagged("--state"), JournalMixed: "; use another --state and --output, or move both away" },
  "--database": {
    ...flagged("--database"),
    JournalMixed: "; remove the job with `effect-claude forget`, or use another --database and --output"
  }
}
