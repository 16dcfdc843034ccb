/**
 * `effect-claude resume`: lets a job that is paused take rows again.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as StateFlags from "../StateFlags.ts"

export const resume = Command.make(
  "resume",
  StateFlags.flags,
  Effect.fn("Cli.resume")(function* (flags) {
    const Control = yield* Effect.promise(() => import("../Control.ts"))
    yield* Control.send(flags, [{ _tag: "resume" }])
  })
).pipe(
  Command.withDescription("Let a job that is paused take rows again"),
  Command.withExamples([{ command: "effect-claude resume results.jsonl" }])
)
