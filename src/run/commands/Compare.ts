/**
 * `effect-claude compare`: which of two prompts or models is better on the same rows.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { flags } from "../CompareFlags.ts"

export const compare = Command.make(
  "compare",
  flags,
  Effect.fn("Cli.compare")(function* (flags) {
    const Compare = yield* Effect.promise(() => import("../Compare.ts"))
    yield* Compare.run(flags)
  })
).pipe(
  Command.withDescription(
    "Compare two finished runs row by row, or run two prompts or models on the same rows and compare"
  ),
  Command.withExamples([
    { command: "effect-claude compare one.jsonl other.jsonl" },
    {
      command:
        'effect-claude compare mails.csv --prompt @a.txt --prompt @b.txt --fields "label: spam|ham" --expected label ' +
        "--sample 500 --output compared.jsonl"
    }
  ])
)
