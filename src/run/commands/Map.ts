/**
 * `effect-claude map`: one prompt for each row of a file, without a job file.
 */
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Command from "effect/cli/Command"
import { toggle } from "../Flags.ts"
import * as MapFlags from "../MapFlags.ts"
import { flags } from "../RunFlags.ts"
import * as ScoreFlags from "../ScoreFlags.ts"

export const map = Command.make(
  "map",
  {
    ...MapFlags.flags,
    ...ScoreFlags.flags,
    onlyFailed: toggle("only-failed", "Run only the rows that failed in an earlier run"),
    ...flags
  },
  Effect.fn("Cli.map")(function* (flags) {
    const [CommandLine, JobRun, MapJob] = yield* Effect.promise(() =>
      Promise.all([import("../CommandLine.ts"), import("../JobRun.ts"), import("../MapJob.ts")])
    )
    const args = yield* (yield* Stdio.Stdio).args
    const command = CommandLine.toStore("map", args, process.cwd())
    const selection = flags.onlyFailed ? { only: "failed" as const } : {}
    return yield* JobRun.run(flags, MapJob.load({ ...flags, yes: flags.yes || flags.dryRun }), {
      command,
      ...selection
    })
  })
).pipe(
  Command.withDescription("Send a prompt for each row of a file, or resume; needs no code"),
  Command.withExamples([
    { command: 'effect-claude map mails.jsonl --prompt "Summarise in one line: {{body}}" --output summaries.jsonl' },
    {
      command:
        'effect-claude map mails.jsonl --prompt @prompt.txt --fields "product, urgency: low|high" --output results.jsonl'
    },
    {
      command:
        'effect-claude map receipts/ --file path --key path --prompt "Read it" --fields "total: number" --output totals.csv'
    }
  ])
)
