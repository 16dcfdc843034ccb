/**
 * Asks Claude for a value of a Schema with the API's structured outputs, and decodes the answer. `OutputFormat` translates
 * the schema; the decoder checks what the API does not enforce, such as ranges, lengths and patterns.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type { Claude } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import * as Event from "../claude/Event.ts"
import * as Reply from "../claude/Reply.ts"
import type { Prompt, Request } from "../claude/Request.ts"
import * as Answer from "./object/Answer.ts"
import { ask } from "./text.ts"
import * as Turn from "./turn.ts"

export type { ObjectOptions, ObjectReply } from "./object/Answer.ts"
export {
  type DeepPartial,
  type ObjectEvent,
  streamElements,
  type StreamElementsOptions,
  streamObject,
  type StreamObjectOptions
} from "./object/StreamObject.ts"

/**
 * Asks for a value of `schema`. An answer that does not satisfy it is repaired without a call, or asked for once more;
 * `usage` and `cost` cover all calls, and `output-repaired` and `output-reasked` report it. Fails with `OutputInvalid` if
 * the last answer does not decode: the error names the path, the expected value and the stop reason, and carries the text
 * and the usage. Fails with `Unsupported`, before a call, if the API cannot take the schema, or
 * if the prompt has documents or search results with citations, which the API refuses together with a schema. The other failures are the ones of
 * `generateText`: a refused or truncated answer is neither repaired nor asked for again.
 *
 * What the API's structured outputs lack is sent in another form and read back: maps, tuples, a schema that contains
 * itself, and more than 16 unions or 24 optional properties.
 */
export const generateObject = Effect.fn("Claude.generateObject")(function* <A, I, RD, RE>(
  schema: Schema.ConstraintCodec<A, I, RD, RE>,
  prompt: Prompt,
  options: Answer.ObjectOptions = {}
): Effect.fn.Return<Answer.ObjectReply<A>, ClaudeError, Claude | RD> {
  const { reask = 1, repair = true } = options
  const format = yield* Answer.formatOf(schema)
  const first = yield* Answer.requestOf(prompt, format.schema)
  const earlier: Array<Turn.TextReply> = []
  let request = first
  for (;;) {
    const reply = yield* Effect.flatMap(ask(request), (turn) => Turn.toReply(turn, Turn.finalText)).pipe(
      Effect.mapError((error) =>
        Turn.withUsage(
          error,
          earlier.map(({ usage }) => usage)
        )
      )
    )
    const decoded = yield* Turn.discardOnFailure(reply)(Effect.result(Answer.decode(format, reply, repair)))
    const all = Turn.together(earlier, reply)
    if (Result.isSuccess(decoded)) return { ...all, value: decoded.success.value }
    const why = Answer.explain(decoded.failure.issue, format.schema)
    earlier.push(reply)
    // The server holds the messages of a thread, and refuses a request that repeats them.
    if (earlier.length > reask || Predicate.isNotNullish(request.thread)) {
      yield* Effect.forEach(earlier, Reply.discard, { discard: true })
      return yield* Answer.invalid(why, all)
    }
    yield* Event.emit(() => ({ _tag: "output-reasked", model: reply.message.model }))
    request = again(first, why)
  }
})

/** Asks for another answer. The refused one is left out, so that the prompt does not grow with it. */
const again = (request: Request, why: string): Request => ({
  ...request,
  messages: [
    ...request.messages,
    { role: "user", content: `An earlier answer did not satisfy the schema: ${why}. Answer again.` }
  ]
})
