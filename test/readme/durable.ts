import { Effect, Layer } from "effect"
import { Claude, DurableCalls } from "effect-claude"
import { Sqlite } from "effect-claude/node"

/** Asks Claude once for each letter, also when the program crashes and handles the letter again. */
export const answer = (letter: { readonly id: string; readonly text: string }) =>
  Effect.gen(function* () {
    const { keyed } = yield* DurableCalls.DurableCalls
    return yield* Claude.generateText(`Answer this letter: ${letter.text}`).pipe(keyed(letter.id))
  })

export const live = DurableCalls.layer({ name: "letters" }).pipe(
  Layer.provide(Sqlite.layer({ path: "replies.sqlite" })),
  Layer.merge(Claude.layerConfig().pipe(Claude.stack()))
)
