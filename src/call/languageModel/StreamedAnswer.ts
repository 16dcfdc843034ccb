/**
 * Answers `streamText` of effect/ai: the parts of all calls of a turn as they arrive, then its finish.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as AiError from "effect/ai/AiError"
import type * as LanguageModel from "effect/ai/LanguageModel"
import type * as Response from "effect/ai/Response"
import type { Claude } from "../../claude/Claude.ts"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import * as Reply from "../../claude/Reply.ts"
import type { StreamEvent } from "../../claude/StreamEvent.ts"
import { streamTurn } from "../text.ts"
import * as Turn from "../turn.ts"
import * as Annotations from "./Annotations.ts"
import * as Finish from "./Finish.ts"
import * as Request from "./Request.ts"
import type { Settings } from "./Settings.ts"
import * as StreamParts from "./StreamParts.ts"

type Part = Response.StreamPartEncoded
type Failed = ClaudeError | AiError.AiErrorReason

/** The stream of parts for a call. An answer that effect/ai cannot take is removed from the cache. */
export const make = Effect.fnUntraced(function* (
  options: LanguageModel.ProviderOptions,
  settings: Settings
): Effect.fn.Return<Stream.Stream<Part, Failed, Claude>, Failed> {
  const { request, tools } = yield* Request.make(options, settings)
  const reader = StreamParts.reader(tools)
  let isFirst = true

  const finish = (turn: Turn.Turn) =>
    Effect.map(Turn.judge(turn, Turn.finalText), ({ reply }): Part => {
      Annotations.add(options, request, reply)
      return Finish.finish(reply, Finish.reasoningOf(turn))
    })
  return streamTurn<Part, AiError.AiErrorReason, never, Part>(
    request,
    (events, soFar) => {
      const reply = () => soFar()?.at(-1)
      const message = () => reply()?.message
      const partsOf = Effect.fnUntraced(function* (chunk: ReadonlyArray<StreamEvent>) {
        const parts: Array<Part> = []
        for (const event of chunk) {
          const read = reader.read(event, message)
          if (Effect.isEffect(read)) parts.push(...(yield* read))
          else parts.push(...read)
        }
        return parts
      })
      const metadata = Effect.map(DateTime.nowAsDate, (now): ReadonlyArray<Part> => {
        const facts = reply()
        if (!isFirst || facts === undefined) return []
        isFirst = false
        return [Finish.responseMetadata(facts.message, facts, now)]
      })
      // effect/ai refuses an empty chunk, and this operator makes none.
      return Stream.mapAccumArrayEffect(
        events,
        () => undefined,
        Effect.fnUntraced(function* (state, chunk) {
          const first = isFirst ? yield* metadata : []
          const parts = yield* Effect.tapError(partsOf(chunk), () => discard(reply()))
          return [state, [...first, ...parts]] as const
        })
      )
    },
    (turn) => Stream.fromEffect(finish(turn))
  )
})

const discard = (reply: Reply.Reply | undefined) => (reply === undefined ? Effect.void : Reply.discard(reply))
