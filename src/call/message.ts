/**
 * Calls the API in its own terms: whole messages and raw events. Every stop reason is a success.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Claude } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import { type Prompt, resolve } from "../claude/Request.ts"
import type { StreamEvent } from "../claude/StreamEvent.ts"

/** Capturing the stack is more than half the cost of a span. */
export const withoutStackTrace = { captureStackTrace: false }

/** Asks for one message. Returns it with any stop reason. */
export const create = Effect.fnUntraced(
  function* (prompt: Prompt) {
    const request = yield* resolve(prompt)
    return yield* Claude.use((claude) => claude.create(request))
  },
  (call) => Effect.withSpan(call, "Claude.create", withoutStackTrace)
)

/** Asks for one message as events: `stream_start`, then the events of the API. */
export const stream = (prompt: Prompt): Stream.Stream<StreamEvent, ClaudeError, Claude> =>
  Stream.unwrap(Effect.flatMap(resolve(prompt), (request) => Claude.useSync((claude) => claude.stream(request))))

/** Counts the input tokens of a prompt. Free of charge. */
export const countTokens = Effect.fn("Claude.countTokens")(function* (prompt: Prompt) {
  const request = yield* resolve(prompt)
  return yield* Claude.use((claude) => claude.countTokens(request))
})
