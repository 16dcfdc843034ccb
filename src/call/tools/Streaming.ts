/**
 * Makes a call as a stream, and passes its pieces on as elements. The reply is the one that `create` would return.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Claude } from "../../claude/Claude.ts"
import { ClaudeError, StreamInterrupted } from "../../claude/ClaudeError.ts"
import type { Reply } from "../../claude/Reply.ts"
import type { Request } from "../../claude/Request.ts"
import * as StreamEvent from "../../claude/StreamEvent.ts"
import type { Text, ThinkingPiece } from "./Element.ts"

/** A `create` that streams. */
export const creating =
  ({ stream }: Claude["Service"], emit: (element: Text | ThinkingPiece) => Effect.Effect<void>) =>
  (request: Request): Effect.Effect<Reply, ClaudeError> =>
    Effect.suspend(() => {
      const { add, message: whole } = StreamEvent.accumulator()
      let start: StreamEvent.StreamStart | undefined
      const read = Stream.runForEach(stream(request), (event) => {
        if (event.type === "stream_start") start = event
        add(event)
        const piece = pieceOf(event)
        return piece === undefined ? Effect.void : emit(piece)
      })
      return Effect.andThen(
        read,
        Effect.suspend(() => {
          const message = whole()
          if (start === undefined || message === undefined) return new ClaudeError({ reason: unfinished })
          const { type: _, ...facts } = start
          return Effect.succeed({ ...facts, message })
        })
      )
    })

const pieceOf = (event: StreamEvent.StreamEvent): Text | ThinkingPiece | undefined => {
  const text = StreamEvent.text(event)
  if (text !== "") return { _tag: "text", text }
  if (event.type !== "content_block_delta" || event.delta.type !== "thinking_delta") return undefined
  return event.delta.thinking === "" ? undefined : { _tag: "thinking", text: event.delta.thinking }
}

const unfinished = new StreamInterrupted({ detail: "the stream ended without a message" })
