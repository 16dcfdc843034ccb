/**
 * `effect-claude pause`: lets the run of a job take no more rows until it is resumed.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as StateFlags from "../StateFlags.ts"

export const pause = Command.make(
  "pause",
  StateFlags.flags,
  Effect.fn("Cli.pause")(function* (flags) {
    const Control = yield* Effect.promise(() => import("../Control.ts"))
    yield* Control.send(flags, [{ _tag: "pause" }])
  })
).pipe(
  Command.withDescription("Let the run of a job take no more rows until it is resumed, also in later runs"),
  Command.withExamples([{ command: "effect-claude pause results.jsonl" }])
)
