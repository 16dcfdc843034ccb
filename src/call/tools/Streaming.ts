/**
 * Makes a call as a stream, and passes its pieces on as elements. The reply is the one that `create` would return.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { Claude } from "../../claude/Claude.ts"
import { ClaudeError } from "../../claude/ClaudeError.ts"
import * as Replay from "../../claude/Replay.ts"
import type { Reply } from "../../claude/Reply.ts"
import type { Request } from "../../claude/Request.ts"
import * as StreamEvent from "../../claude/StreamEvent.ts"
import { unfinished } from "../text.ts"
import type { Text, ThinkingPiece } from "./Element.ts"

/** A `create` that streams. */
export const creating =
  ({ stream }: Claude["Service"], emit: (element: Text | ThinkingPiece) => Effect.Effect<void>) =>
  (request: Request): Effect.Effect<Reply, ClaudeError> =>
    stream(request).pipe(
      Stream.tap((event) => {
        const piece = pieceOf(event)
        return piece === undefined ? Effect.void : emit(piece)
      }),
      Replay.toReply,
      Effect.filterOrFail(Predicate.isNotUndefined, () => new ClaudeError({ reason: unfinished }))
    )

const pieceOf = (event: StreamEvent.StreamEvent): Text | ThinkingPiece | undefined => {
  const text = StreamEvent.text(event)
  if (text !== "") return { _tag: "text", text }
  if (event.type !== "content_block_delta" || event.delta.type !== "thinking_delta") return undefined
  return event.delta.thinking === "" ? undefined : { _tag: "thinking", text: event.delta.thinking }
}
