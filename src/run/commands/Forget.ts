/**
 * `effect-claude forget`: removes a job from a database that holds other jobs too.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { toggle } from "../Flags.ts"
import * as StateFlags from "../StateFlags.ts"

export const forget = Command.make(
  "forget",
  { ...StateFlags.flags, yes: toggle("yes", "Do not ask") },
  Effect.fn("Cli.forget")(function* (flags) {
    const Forget = yield* Effect.promise(() => import("../Forget.ts"))
    yield* Forget.forget(flags)
  })
).pipe(
  Command.withDescription("Remove a job from a database, with its rows, replies and results"),
  Command.withExamples([{ command: "effect-claude forget postgres://host:5432/database --job mails" }])
)
