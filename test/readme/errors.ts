import { Effect } from "effect"
import { Claude } from "effect-claude"

export const answer = Claude.generateText("Hello").pipe(
  Effect.map(({ text }) => text),
  Effect.catchReason("ClaudeError", "OutputTruncated", ({ text }) => Effect.succeed(`${text} …`))
)
