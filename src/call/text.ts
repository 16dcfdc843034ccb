/**
 * Asks Claude for text, at once or as it is made. These verbs judge the answer: a refusal, and an answer that was cut
 * off, are failures that carry the text and the usage.
 */
import type * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Claude } from "../claude/Claude.ts"
import { ClaudeError, ContextWindowExceeded, OutputTruncated, Refused } from "../claude/ClaudeError.ts"
import * as Cost from "../claude/Cost.ts"
import * as Reply from "../claude/Reply.ts"
import { type Prompt, resolve } from "../claude/Request.ts"
import * as StreamEvent from "../claude/StreamEvent.ts"
import { billed, type Usage } from "../claude/Usage.ts"

/**
 * A text answer. `cost` is in US dollars at today's prices, undefined where no price is known, and zero where a cache or
 * a journal gave the answer; `usage` is then what it took to make it.
 */
export interface TextReply extends Reply.Reply {
  readonly text: string
  readonly usage: Usage
  readonly cost: BigDecimal.BigDecimal | undefined
}

/** Asks for text. What stopped for a tool, or to be taken up again (`pause_turn`), is a success: `message` tells. */
export const generateText = Effect.fn("Claude.generateText")(function* (prompt: Prompt) {
  const request = yield* resolve(prompt)
  const claude = yield* Claude
  return yield* judge(yield* claude.create(request))
})

/**
 * Asks for text, piece by piece. `onFinish` gets the whole answer before the stream ends; a refusal or an answer that
 * was cut off fails the stream after its last piece.
 */
export const streamText = <E = never, R = never>(
  prompt: Prompt,
  options?: { readonly onFinish?: (reply: TextReply) => Effect.Effect<unknown, E, R> }
): Stream.Stream<string, ClaudeError | E, Claude | R> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const request = yield* resolve(prompt)
      const claude = yield* Claude
      const accumulator = StreamEvent.accumulator()
      let start: StreamEvent.StreamStart | undefined

      const finish = Effect.gen(function* () {
        const message = accumulator.message()
        if (start === undefined || message === undefined) return
        const { type: _, ...facts } = start
        const reply = yield* judge({ ...facts, message })
        if (options?.onFinish) yield* options.onFinish(reply)
      })
      return claude.stream(request).pipe(
        Stream.map((event) => {
          if (event.type === "stream_start") start = event
          accumulator.add(event)
          return StreamEvent.text(event)
        }),
        Stream.filter((text) => text !== ""),
        Stream.concat(Stream.drain(Stream.fromEffect(finish)))
      )
    })
  ).pipe(Stream.withSpan("Claude.streamText"))

/** Fails where the answer cannot be used; adds what it cost where it can. */
export const judge = Effect.fnUntraced(function* (reply: Reply.Reply) {
  const { message, requestId } = reply
  const usage = billed(message)
  const text = Reply.text(message)
  const facts = { text, usage, ...(requestId !== undefined && { requestId }) }
  switch (message.stop_reason) {
    case "refusal": {
      const category = message.stop_details?.category
      const detail = "Claude declined to answer"
      return yield* new ClaudeError({ reason: new Refused({ ...facts, detail, ...(category && { category }) }) })
    }
    case "max_tokens": {
      const detail = `the answer was cut off after ${usage.output} tokens`
      return yield* new ClaudeError({ reason: new OutputTruncated({ ...facts, detail }) })
    }
    case "model_context_window_exceeded": {
      const detail = "prompt and answer together are longer than the context window"
      return yield* new ClaudeError({ reason: new ContextWindowExceeded({ ...facts, detail }) })
    }
  }
  const now = yield* DateTime.nowAsDate
  return { ...reply, text, usage, cost: Cost.billed(reply, now) } satisfies TextReply
})
