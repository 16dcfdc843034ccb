/**
 * Sends requests through our client, from a recording or from a table, and returns the shapes of the answers.
 */
import Anthropic from "@anthropic-ai/sdk"
import { AnthropicClient, Claude, type ClaudeError } from "effect-claude"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Api from "../../../src/claude/Api.ts"
import { fromUnknown } from "../../../src/claude/Failure.ts"
import type { Request } from "../../../src/claude/Request.ts"
import * as Shape from "./Shape.ts"

/** A request. Every batch id in a path means the batch that was created before. */
export interface Ask {
  readonly method: string
  readonly path: string
  readonly request?: unknown
  /** The API refuses the key `invalid`. */
  readonly apiKey?: string
  /** The time that passes before the request. */
  readonly after?: Duration.Input
}

/** Sends the requests in order, and returns the shape of each answer. `at` gives the server of the n-th request. */
export const shapes = Effect.fnUntraced(function* (
  asks: ReadonlyArray<Ask>,
  at: (index: number) => { readonly baseURL: string; readonly fetch: typeof globalThis.fetch }
) {
  let batch = "msgbatch_0"
  const answers: Array<Shape.Shape> = []
  for (const [index, ask] of asks.entries()) {
    if (ask.after !== undefined) yield* TestClock.adjust(ask.after)
    const client = new Anthropic({ apiKey: ask.apiKey ?? "key", maxRetries: 0, openTelemetry: false, ...at(index) })
    const answer = yield* Effect.match(answerTo(client, ask, batch), {
      onFailure: Shape.ofFailure,
      onSuccess: ({ id, shape }) => {
        batch = id ?? batch
        return shape
      }
    }).pipe(Effect.provide(Layer.provide(Api.layer, AnthropicClient.layerFrom(client))))
    answers.push(answer)
  }
  return answers
})

/** The method and the path of a request, with `:id` for an id. */
export const routeOf = ({ method, path }: Ask): string => {
  const { pathname } = new URL(path, "http://host")
  return `${method} ${pathname.replace(/msgbatch_\w+/, ":id").replace(/models\/.+/, "models/:id")}`
}

interface Answer {
  readonly shape: Shape.Shape
  /** The id of the created batch. */
  readonly id?: string
}

const answerTo = (
  client: Anthropic,
  ask: Ask,
  batch: string
): Effect.Effect<Answer, ClaudeError.ClaudeError, Claude.Claude> => {
  const { batches } = client.messages
  switch (routeOf(ask)) {
    case "POST /v1/messages":
      return isStreamed(ask) ? streamed(requestOf(ask)) : whole(requestOf(ask))
    case "POST /v1/messages/count_tokens":
      return Effect.map(Claude.countTokens(requestOf(ask)), (input_tokens) => json({ input_tokens }))
    case "POST /v1/messages/batches":
      return Effect.map(
        // The API accepted the recorded request, so it has the API's shape.
        promised(() => batches.create(ask.request as Anthropic.Messages.BatchCreateParams)),
        (created) => ({ ...json(created), id: created.id })
      )
    case "GET /v1/messages/batches":
      return Effect.map(
        promised(() => batches.list()),
        ({ data }) => json(data[0])
      )
    case "GET /v1/messages/batches/:id":
      return Effect.map(
        promised(() => batches.retrieve(batch)),
        json
      )
    case "POST /v1/messages/batches/:id/cancel":
      return Effect.map(
        promised(() => batches.cancel(batch)),
        json
      )
    case "DELETE /v1/messages/batches/:id":
      return Effect.map(
        promised(() => batches.delete(batch)),
        json
      )
    case "GET /v1/messages/batches/:id/results":
      return Effect.flatMap(
        promised(() => batches.results(batch)),
        (results) =>
          Stream.fromAsyncIterable(results, fromUnknown).pipe(
            Stream.runCollect,
            Effect.map((lines) => ({ shape: Shape.ofResults(lines) }))
          )
      )
    case "GET /v1/models":
      return Effect.map(
        promised(() => client.models.list()),
        ({ data }) => json(data[0])
      )
    case "GET /v1/models/:id":
      return Effect.map(
        promised(() => client.models.retrieve(ask.path.split("/").at(-1) ?? "")),
        json
      )
    default:
      return Effect.die(`the suite cannot send ${routeOf(ask)}`)
  }
}

const promised = <A>(call: () => Promise<A>) => Effect.tryPromise({ try: call, catch: fromUnknown })

/** Whether the request is for a stream. */
export const isStreamed = ({ request }: Ask): boolean =>
  Predicate.hasProperty(request, "stream") && request.stream === true

/** The request with the version of the API that most recordings have. */
const requestOf = ({ path, request }: Ask): Request => {
  // The API accepted the recorded request, so it has the API's shape.
  const { stream: _, ...params } = { ...(request as Request & { readonly stream?: boolean }) }
  const headers = { "anthropic-version": "2023-06-01" }
  return path.includes("beta=true") ? { ...params, headers, betas: [] } : { ...params, headers }
}

const whole = (request: Request) =>
  Effect.map(Claude.create(request), (reply) => ({ shape: Shape.ofReply(reply, request.model) }))

const streamed = (request: Request) =>
  Effect.map(Stream.runCollect(Claude.stream(request)), (events) => ({ shape: Shape.ofEvents(events, request.model) }))

const json = (value: unknown): Answer => ({ shape: Shape.ofJson(value) })
