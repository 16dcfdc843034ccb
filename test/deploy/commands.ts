/**
 * Reads command lines of `effect-claude` with its real flags, and runs nothing.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Option } from "effect"
import { Command } from "effect/cli"
import { TestConsole } from "effect/testing"
import * as ClusterFlags from "../../src/run/ClusterFlags.ts"
import { emulate } from "../../src/run/commands/Emulate.ts"
import { exportResults } from "../../src/run/commands/Export.ts"
import { forget } from "../../src/run/commands/Forget.ts"
import { pause } from "../../src/run/commands/Pause.ts"
import { report } from "../../src/run/commands/Report.ts"
import { resume } from "../../src/run/commands/Resume.ts"
import { run } from "../../src/run/commands/Run.ts"
import { set } from "../../src/run/commands/Set.ts"
import { status } from "../../src/run/commands/Status.ts"
import { worker } from "../../src/run/commands/Worker.ts"

const nothing = () => Effect.void

const command = Command.make("effect-claude").pipe(
  Command.withSubcommands([
    Command.withHandler(run, (flags) => {
      const foreign = Option.isSome(flags.database) ? ClusterFlags.foreign(flags) : []
      return foreign.length === 0 ? Effect.void : Effect.fail(`with --database: ${foreign.join(", ")}`)
    }),
    Command.withHandler(worker, nothing),
    Command.withHandler(emulate, nothing),
    Command.withHandler(status, nothing),
    Command.withHandler(report, nothing),
    Command.withHandler(exportResults, nothing),
    Command.withHandler(pause, nothing),
    Command.withHandler(resume, nothing),
    Command.withHandler(set, nothing),
    Command.withHandler(forget, nothing)
  ])
)

/** What is wrong with the arguments of a command; undefined if the command would run. */
export const problemOf = (args: ReadonlyArray<string>): Promise<string | undefined> =>
  Command.runWith(command, { version: "1.2.3" })(args).pipe(
    Effect.as(undefined),
    Effect.catch((error) =>
      Effect.succeed(
        typeof error === "string"
          ? error
          : error._tag === "ShowHelp"
            ? error.errors.map(({ message }) => message).join("\n")
            : error.message
      )
    ),
    Effect.provide(Layer.merge(NodeServices.layer, TestConsole.layer)),
    Effect.runPromise
  )

/** The words of a line, as a shell takes them. */
export const wordsOf = (line: string): ReadonlyArray<string> =>
  Array.from(line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g), ([word]) => word.replace(/["']/g, ""))
