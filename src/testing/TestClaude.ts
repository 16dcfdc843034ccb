/**
 * A Claude that answers from code: for tests of your own pipelines, without a key, a network, or waiting. What it is
 * asked is recorded; ask for the service `TestClaude` to look.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Claude } from "../claude/Claude.ts"
import { ClaudeError, Reason } from "../claude/ClaudeError.ts"
import * as Observe from "../claude/Observe.ts"
import type { Message, Reply as ClaudeReply } from "../claude/Reply.ts"
import type { Request } from "../claude/Request.ts"
import { fromMessage, type StreamEvent } from "../claude/StreamEvent.ts"

/** One answer: a text, fields of a message, or the reason of a failure. */
export type Answer = string | Partial<Message> | Reason

/** What Claude answers: always the same, one after the other, or as a function of the request. */
export type Reply = Answer | ReadonlyArray<Answer> | ((request: Request) => Answer | Effect.Effect<Answer, ClaudeError>)

/** A reply to some requests only. */
export interface Rule {
  readonly matches: (request: Request) => boolean
  readonly reply: Reply
}

/** What the fake was asked. */
export class TestClaude extends Context.Service<
  TestClaude,
  {
    /** Every request so far, in the order of arrival. */
    readonly calls: Effect.Effect<ReadonlyArray<Request>>
  }
>()("effect-claude/TestClaude") {}

/** Replies where the prompt matches a pattern, or the request a predicate. */
export const when = (matches: RegExp | ((request: Request) => boolean), reply: Reply): Rule => ({
  matches:
    typeof matches === "function"
      ? matches
      : (request) => new RegExp(matches, matches.flags.replace("g", "")).test(promptText(request)),
  reply
})

/**
 * Claude from code: the first reply that applies answers. A call that nothing answers, or for which a list has run
 * dry, is a defect of the test, and dies as one.
 */
export const layer = (...replies: ReadonlyArray<Reply | Rule>): Layer.Layer<Claude | TestClaude> =>
  Layer.effectContext(
    Effect.sync(() => {
      const calls: Array<Request> = []
      const rules = replies.map((reply) => (isRule(reply) ? reply : { matches: () => true, reply }))
      const answers = rules.map(({ matches, reply }) => ({ matches, answer: answering(reply) }))

      const create = (request: Request): Effect.Effect<ClaudeReply, ClaudeError> =>
        Effect.gen(function* () {
          calls.push(request)
          const number = calls.length
          const rule = answers.find(({ matches }) => matches(request))
          const answer = yield* rule?.answer(request) ?? Effect.undefined
          if (answer === undefined) return yield* Effect.die(unanswered(request, number))
          if (isReason(answer)) return yield* new ClaudeError({ reason: answer })
          const message = messageOf(request, answer, number)
          return { message, requestId: `req_test_${number}`, origin: "api", rateLimits: undefined }
        })
      const stream = (request: Request): Stream.Stream<StreamEvent, ClaudeError> =>
        Stream.unwrap(
          Effect.map(create(request), ({ message, ...facts }) =>
            Stream.fromIterable<StreamEvent>([{ type: "stream_start", ...facts }, ...fromMessage(message)])
          )
        )
      return Context.make(TestClaude, { calls: Effect.sync(() => [...calls]) }).pipe(
        Context.add(Claude, {
          create: (request) => Observe.create(request, create(request)),
          stream: (request) => Observe.stream(request, stream(request)),
          countTokens: (request) => Effect.sync(() => tokens(promptText(request))),
          capacity: Effect.succeed(64)
        })
      )
    })
  )

/** The text of a request: the system prompt and the messages, a line each. */
export const promptText = ({ system, messages }: Request): string =>
  [system, ...messages.map(({ content }) => content)].flatMap(textsOf).join("\n")

const textsOf = (content: unknown): ReadonlyArray<string> => {
  if (typeof content === "string") return [content]
  if (!Array.isArray(content)) return []
  return content.flatMap((block) => (block.type === "text" ? [block.text] : textsOf(block.content)))
}

const isReason = Schema.is(Reason)
const isRule = (reply: Reply | Rule): reply is Rule => typeof reply === "object" && "matches" in reply

/** What a reply says to a request, which is nothing when its list has run dry. */
const answering = (reply: Reply): ((request: Request) => Effect.Effect<Answer | undefined, ClaudeError>) => {
  if (typeof reply === "function") {
    return (request) => {
      const answer = reply(request)
      return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
    }
  }
  if (!isList(reply)) return () => Effect.succeed(reply)
  let next = 0
  return () => Effect.sync(() => reply[next++])
}

const isList = (reply: Answer | ReadonlyArray<Answer>): reply is ReadonlyArray<Answer> => Array.isArray(reply)

const unanswered = (request: Request, call: number) =>
  new Error(
    `TestClaude has no reply for call ${call}: ${JSON.stringify(promptText(request))}; add one, or a TestClaude.when`
  )

const messageOf = (request: Request, answer: string | Partial<Message>, number: number): Message => {
  const text = typeof answer === "string" ? answer : ""
  return {
    id: `msg_test_${number}`,
    type: "message",
    role: "assistant",
    model: request.model,
    content: [{ type: "text", text, citations: null }],
    stop_reason: "end_turn",
    stop_sequence: null,
    stop_details: null,
    container: null,
    diagnostics: null,
    usage: {
      input_tokens: tokens(promptText(request)),
      output_tokens: tokens(text),
      cache_creation: null,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      server_tool_use: null,
      service_tier: "standard",
      speed: null,
      inference_geo: null,
      output_tokens_details: null
    },
    ...(typeof answer === "object" && answer)
  }
}

/** About four characters a token. */
const tokens = (text: string): number => Math.ceil(text.length / 4)
