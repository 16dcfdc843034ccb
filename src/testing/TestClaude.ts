/**
 * Answers calls from code. Use it to test your own pipelines without a key, a network or delays. It records every
 * request. A test with too few or too many replies fails and lists the calls.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Claude } from "../claude/Claude.ts"
import * as Observe from "../claude/Observe.ts"
import type { ReplyFacts } from "../claude/Reply.ts"
import type { Request } from "../claude/Request.ts"
import type { StreamEvent } from "../claude/StreamEvent.ts"
import { deliver } from "./testClaude/Answer.ts"
import { promptText, tokens } from "./testClaude/Message.ts"
import * as Script from "./testClaude/Script.ts"

export type { Answer, Given } from "./testClaude/Answer.ts"
export { arbitrary, object, toolCall } from "./testClaude/FromSchema.ts"
export { type Fields, message, promptText } from "./testClaude/Message.ts"
export { type Reply, type Rule, when } from "./testClaude/Script.ts"

/** The requests that the fake received. */
export class TestClaude extends Context.Service<
  TestClaude,
  {
    /** Every request so far, in order of arrival, without those to `countTokens`. */
    readonly calls: Effect.Effect<ReadonlyArray<Request>>
  }
>()("effect-claude/TestClaude") {}

/**
 * Provides Claude from replies: the first one that applies to a request answers it. A call without a reply dies at once.
 * When the layer is released, it dies if the program caught such a defect, or if a list has unused replies.
 */
export const layer = (...replies: ReadonlyArray<Script.Reply | Script.Rule>): Layer.Layer<Claude | TestClaude> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const script = Script.make(replies)
      yield* Effect.addFinalizer(script.verify)

      const answer = Effect.fnUntraced(function* (request: Request) {
        const { answer, call } = yield* script.answer(request)
        const facts: ReplyFacts = { requestId: `req_test_${call}`, origin: "api", rateLimits: undefined }
        return { ...deliver(answer, request, call), facts }
      })
      const create = (request: Request) =>
        answer(request).pipe(
          Effect.flatMap(({ facts, whole }) => Effect.map(whole, (message) => ({ ...facts, message }))),
          Effect.scoped
        )
      const stream = (request: Request) =>
        Stream.unwrap(
          Effect.map(answer(request), ({ events, facts }) =>
            Stream.concat(Stream.succeed<StreamEvent>({ type: "stream_start", ...facts }), events)
          )
        )
      return Context.make(TestClaude, { calls: script.calls }).pipe(
        Context.add(Claude, {
          create: (request) => Observe.create(request, create(request)),
          stream: (request) => Observe.stream(request, stream(request)),
          countTokens: (request) => Effect.sync(() => tokens(promptText(request))),
          capacity: Effect.succeed(64)
        })
      )
    })
  )

/** Every request so far, in order of arrival, without those to `countTokens`. */
export const calls: Effect.Effect<ReadonlyArray<Request>, never, TestClaude> = TestClaude.use(({ calls }) => calls)

/** The text of every request so far: the system prompt and the messages, one line each. */
export const prompts: Effect.Effect<ReadonlyArray<string>, never, TestClaude> = Effect.map(calls, (requests) =>
  requests.map(promptText)
)
