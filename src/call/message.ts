/**
 * The service in the API's own terms: whole messages and raw events, with nothing judged.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Claude } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import { type Prompt, resolve } from "../claude/Request.ts"
import type { StreamEvent } from "../claude/StreamEvent.ts"

/** A span without its stack, which is more than half of what a span costs. */
const cheap = { captureStackTrace: false }

/** One message, whatever its stop reason. */
export const create = Effect.fnUntraced(
  function* (prompt: Prompt) {
    const request = yield* resolve(prompt)
    return yield* Claude.use((claude) => claude.create(request))
  },
  (call) => Effect.withSpan(call, "Claude.create", cheap)
)

/** One message as events: `stream_start`, then the API's. */
export const stream = (prompt: Prompt): Stream.Stream<StreamEvent, ClaudeError, Claude> =>
  Stream.unwrap(Effect.flatMap(resolve(prompt), (request) => Claude.useSync((claude) => claude.stream(request))))

/** The number of input tokens of a prompt. Free of charge. */
export const countTokens = Effect.fn("Claude.countTokens")(function* (prompt: Prompt) {
  const request = yield* resolve(prompt)
  return yield* Claude.use((claude) => claude.countTokens(request))
})
