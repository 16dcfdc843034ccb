/**
 * `effect-claude set`: changes the concurrency or the budget of a run that is on.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { flags } from "../RunFlags.ts"
import * as StateFlags from "../StateFlags.ts"

export const set = Command.make(
  "set",
  { ...StateFlags.flags, concurrency: flags.concurrency, budget: flags.budget },
  Effect.fn("Cli.set")(function* (flags) {
    const Control = yield* Effect.promise(() => import("../Control.ts"))
    yield* Control.set(flags)
  })
).pipe(
  Command.withDescription("Change the concurrency or the budget of a run that is on, or of the next one"),
  Command.withExamples([{ command: 'effect-claude set results.jsonl --concurrency 16 --budget "10 USD"' }])
)
