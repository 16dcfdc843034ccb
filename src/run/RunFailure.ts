/**
 * Translates what keeps a run from starting, or breaks it off, into the last line on stderr and an exit code. Messages
 * from `pipeline` name no flags, since programs see them too; the flags that help are added here.
 */
import type * as Config from "effect/Config"
import * as Destinations from "../pipeline/Destinations.ts"
import { type JobBroken, JobChanged } from "../pipeline/Job.ts"
import type { DatasetFailed } from "../pipeline/Dataset.ts"
import { ExitWith } from "./ExitWith.ts"
import { howToContinue } from "./JobReport.ts"

type Failure = ExitWith | Config.ConfigError | JobBroken | DatasetFailed | Other

/** An error whose message is complete. */
interface Other extends Error {
  readonly _tag: keyof typeof remedies | (string & {})
}

/** A file that fails is the input, unless it is one that the run writes. */
export const toExit =
  (destinations: Destinations.Destinations) =>
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
        return new ExitWith(2, error.message + (remedies[error._tag] ?? ""))
    }
  }

const flags = { output: "--output", failures: "--output", rejects: "--rejects", state: "--state" }

const keepOrRerun =
  "nothing was sent; run with --keep to keep the finished rows as they are, or with --rerun to run every row again, " +
  "which pays only for calls that have changed"

const otherState = "; use another --state and --output, or move both away"
const stateFlag = " (flag: --state)"

const remedies: Readonly<Record<string, string>> = {
  ColumnTaken: " with --only-results",
  ClientMisconfigured: ", or try --emulator, which needs no key",
  JournalMixed: otherState,
  JournalTooNew: ", or use another --state and --output",
  JournalForeign: stateFlag,
  JournalFailed: stateFlag,
  DispatcherFailed: " (flag: --database or --queue)",
  PostgresFailed: stateFlag,
  RedisFailed: " (flag: --redis)",
  SqliteFailed: stateFlag,
  SqliteInUse: stateFlag,
  ServerUnreachable: ", or try --emulator"
}
