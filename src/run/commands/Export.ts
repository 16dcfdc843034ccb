/**
 * `effect-claude export`: writes results and failures from a state into files of any format.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { file, text } from "../Flags.ts"
import * as StateFlags from "../StateFlags.ts"

export const exportResults = Command.make(
  "export",
  {
    ...StateFlags.flags,
    output: file("output", "The file for the results, in the format of its ending"),
    failures: file("failures", "The file for the failed rows: key, error, message, attempts and cost"),
    where: text("where", 'Write only rows in which a column has a value, such as "error=Overloaded"')
  },
  Effect.fn("Cli.export")(function* (flags) {
    const Export = yield* Effect.promise(() => import("../Export.ts"))
    yield* Export.write(flags)
  })
).pipe(
  Command.withDescription("Write results and failures from a state, also while the job runs"),
  Command.withExamples([{ command: "effect-claude export results.state.sqlite --output results.csv" }])
)
