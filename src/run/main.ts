/**
 * The entry point of the command line. Everything that goes wrong is said in one line on stderr; the exit code tells
 * what kind it is: 2 for usage and configuration, 3 for a run that stopped before its end.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as CliError from "effect/cli/CliError"
import * as Cli from "./Cli.ts"
import { readFileSync } from "node:fs"

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))

const say = (message: string, code: number) =>
  Effect.andThen(Console.error(`effect-claude: ${message}`), Effect.fail(new Cli.ExitWith(code)))

Command.run(Cli.command, { version }).pipe(
  Effect.catch((error) => {
    if (error instanceof Cli.ExitWith) return Effect.fail(error)
    if (CliError.isCliError(error)) return Effect.fail(new Cli.ExitWith(2))
    switch (error._tag) {
      case "ConfigError":
        return say("ANTHROPIC_API_KEY is not set; set it, or try --emulator, which needs none", 2)
      case "JournalFailed":
        return say(error.message, 3)
      default:
        return say(error.message, 2)
    }
  }),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
