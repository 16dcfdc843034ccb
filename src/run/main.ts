/**
 * The entry point of the command line. Everything that goes wrong is said in one line on stderr, where logs go too; the
 * exit code tells what kind it is: 2 for what kept a run from starting, 3 for a run that stopped before its end.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Command from "effect/cli/Command"
import * as CliError from "effect/cli/CliError"
import * as Cli from "./Cli.ts"
import { goOn } from "./JobReport.ts"
import { readFileSync } from "node:fs"

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))

const say = (message: string, code: number) =>
  Effect.andThen(Console.error(`effect-claude: ${message}`), Effect.fail(new Cli.ExitWith(code)))

/** What was thrown, and by which line. */
const wordsOf = (defect: unknown): string => {
  if (!(defect instanceof Error)) return String(defect)
  const where = /^ *(at .*:\d+:\d+\)?)$/m.exec(defect.stack ?? "")
  return where === null ? defect.message : `${defect.message}, ${where[1]}`
}

Command.run(Cli.command, { version }).pipe(
  Effect.catch((error) => {
    if (error instanceof Cli.ExitWith) return Effect.fail(error)
    if (CliError.isCliError(error)) return Effect.fail(new Cli.ExitWith(2))
    switch (error._tag) {
      case "ConfigError":
        return say("ANTHROPIC_API_KEY is not set; set it, or try --emulator, which needs none", 2)
      case "ServeError":
        return say(
          `the emulator cannot listen: ${error.cause instanceof Error ? error.cause.message : ""}; choose another --port`,
          2
        )
      case "JobBroken":
        return say(`${error.message}; what is done stays: ${goOn}`, 3)
      default:
        return say(error.message, 2)
    }
  }),
  Effect.catchDefect((defect) => say(wordsOf(defect), 2)),
  Effect.provideService(References.LogToStderr, true),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
