/**
 * The command line: the commands, where help and errors are printed, and the exit codes. Each command has its own file
 * in `commands`.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import { compare } from "./commands/Compare.ts"
import { emulate } from "./commands/Emulate.ts"
import { estimate } from "./commands/Estimate.ts"
import { exportResults } from "./commands/Export.ts"
import { forget } from "./commands/Forget.ts"
import { map } from "./commands/Map.ts"
import { pause } from "./commands/Pause.ts"
import { report } from "./commands/Report.ts"
import { resume } from "./commands/Resume.ts"
import { retry } from "./commands/Retry.ts"
import { run } from "./commands/Run.ts"
import { set } from "./commands/Set.ts"
import { status } from "./commands/Status.ts"
import { worker } from "./commands/Worker.ts"
import * as ErrorText from "./ErrorText.ts"
import { ExitWith } from "./ExitWith.ts"
import * as Help from "./Help.ts"
import { Outputs } from "./Outputs.ts"

const command = Command.make("effect-claude").pipe(
  Command.withDescription("LLM pipelines on Claude"),
  Command.withSubcommands([
    run,
    worker,
    map,
    compare,
    estimate,
    status,
    report,
    exportResults,
    pause,
    resume,
    set,
    retry,
    forget,
    emulate
  ])
)

/** Prints help that was not asked for, and usage errors, on stderr, so that stdout holds results only. */
const presenter: CliOutput.Presenter = {
  present: (event) =>
    Effect.flatMap(Outputs, ({ stdout }) => {
      switch (event._tag) {
        case "InvalidInvocation":
          return Console.error(Help.usageError(event.commandPath, event.errors))
        case "Help": {
          const help = Help.text(event.helpDoc, stdout.columns ?? 100)
          return event.reason === "Requested" ? Console.log(help) : Console.error(help)
        }
        case "Version":
          return Console.log(`${event.name} ${event.version}`)
      }
    })
}

/** Without `--wizard`, which asks for each flag. */
const builtIns = GlobalFlag.BuiltIns.filter((flag) => flag !== GlobalFlag.Wizard)

const exit = (code: number, message: string) =>
  Effect.andThen(
    message === "" ? Effect.void : Console.error(`effect-claude: ${message}`),
    Effect.fail(new ExitWith(code))
  )

/** Runs the command line with the arguments of `Stdio`. Each error is printed once, on stderr. */
export const program = (version: string) =>
  Command.run(command, { version }).pipe(
    Effect.catch((error) => {
      if (CliError.isCliError(error)) return Effect.fail(new ExitWith(2))
      return exit(error.code, error.message)
    }),
    Effect.catchDefect((defect) => exit(2, ErrorText.withPlace(defect))),
    Effect.provideService(CliOutput.Presenter, presenter),
    Effect.provideService(CliConfig.CliConfig, { builtIns }),
    Effect.provideService(References.LogToStderr, true)
  )
