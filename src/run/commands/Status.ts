/**
 * `effect-claude status`: shows how far the jobs of a state are, also while they run.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { json, toggle } from "../Flags.ts"
import * as StateFlags from "../StateFlags.ts"

export const status = Command.make(
  "status",
  {
    ...StateFlags.flags,
    json,
    watch: toggle(
      "watch",
      "Show it again every second, and elsewhere than on a terminal every 5 seconds, until no run is on"
    )
  },
  Effect.fn("Cli.status")(function* (flags) {
    const Status = yield* Effect.promise(() => import("../Status.ts"))
    yield* Status.print(flags)
  })
).pipe(
  Command.withDescription("Show how far the jobs of a state are, also while they run"),
  Command.withExamples([
    { command: "effect-claude status results.jsonl" },
    { command: "effect-claude status postgres://host:5432/database --job mails" }
  ])
)
