/**
 * Claude over the API: the layer that policies wrap. It sends one request for each call, applies `Claude.Timeouts`,
 * closes the socket when the caller is interrupted, and reports each call to the `Event` listener.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import { APIConnectionError } from "@anthropic-ai/sdk/error"
import * as Clock from "effect/Clock"
import type * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import { AnthropicClient, callOptions, type Client } from "./AnthropicClient.ts"
import * as Anthropics from "./AnthropicClient.ts"
import { Claude, Timeouts } from "./Claude.ts"
import { ClaudeError, TimedOut, Unsupported } from "./ClaudeError.ts"
import { fromUnexpected, fromUnknown } from "./Failure.ts"
import * as EventStream from "./EventStream.ts"
import * as Json from "./Json.ts"
import * as Observe from "./Observe.ts"
import * as PlainCall from "./PlainCall.ts"
import * as RateLimits from "./RateLimits.ts"
import { isMessage, type Reply, type ReplyFacts } from "./Reply.ts"
import type { Request } from "./Request.ts"
import * as RequestSize from "./RequestSize.ts"
import type { StreamEvent } from "./StreamEvent.ts"
import * as Timer from "./Timer.ts"
import { type Fetch, Transport } from "./Transport.ts"

/** The number of calls in flight without a policy that limits it. */
const defaultCapacity = 64

/** Claude over an SDK client. */
export const layer: Layer.Layer<Claude, never, AnthropicClient> = Layer.effect(
  Claude,
  AnthropicClient.useSync((client) =>
    Claude.of({
      create: (request) => {
        const refusal = RequestSize.refusal(request)
        return refusal === undefined ? Observe.create(request, create(client, request)) : Effect.fail(refusal)
      },
      stream: (request) => {
        const refusal = RequestSize.refusal(request)
        return refusal === undefined ? Observe.stream(request, stream(client, request)) : Stream.fail(refusal)
      },
      countTokens: (request) => countTokens(client, request),
      capacity: Effect.succeed(defaultCapacity)
    })
  )
)

/** Claude with `ANTHROPIC_API_KEY` and, where set, `ANTHROPIC_BASE_URL` from the environment. */
export const layerConfig = (
  options?: Parameters<typeof Anthropics.layerConfig>[0]
): Layer.Layer<Claude | AnthropicClient, Anthropics.ClientMisconfigured | Config.ConfigError> =>
  Layer.provideMerge(layer, Anthropics.layerConfig(options))

const create = (client: Client, request: Request): Effect.Effect<Reply, ClaudeError> =>
  send(client, request, {
    plain: "create",
    call: (messages, params, options) => messages.create(params, options).asResponse(),
    read: withData
  }).pipe(
    Effect.flatMap(({ data, response, text }) =>
      isMessage(data)
        ? Effect.succeed({ message: data, ...factsOf(response) })
        : Effect.fail(fromUnexpected("a message", text, response))
    )
  )

/** Created once: a new DOMException captures a stack. */
const closed = new DOMException("the stream was closed", "AbortError")
const interrupted = new DOMException("the caller was interrupted", "AbortError")
const late = new DOMException("the call took too long", "TimeoutError")

/** The controller lives as long as the stream: code between a body and its socket may not forward a cancel. */
const stream = (client: Client, request: Request): Stream.Stream<StreamEvent, ClaudeError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { idle } = yield* Timeouts
      const controller = yield* Effect.acquireRelease(
        Effect.sync(() => new AbortController()),
        (controller) => Effect.sync(() => controller.abort(closed))
      )
      const response = yield* send(client, request, {
        plain: "stream",
        call: (messages, params, options) => messages.create({ ...params, stream: true }, options).asResponse(),
        read: (response) => response,
        controller
      })
      const start = { type: "stream_start" as const, ...factsOf(response) }
      return yield* EventStream.fromResponse(start, response, Duration.fromInputUnsafe(idle))
    })
  )

const countTokens = (client: Client, request: Request): Effect.Effect<number, ClaudeError> =>
  send(client, request, {
    call: (messages, params, options) => {
      if (messages.countTokens === undefined) throw uncountable()
      return messages.countTokens(Struct.pick(params as CountParams, countedFields), options).asResponse()
    },
    read: withData
  }).pipe(
    Effect.flatMap(({ data, response, text }) =>
      Predicate.hasProperty(data, "input_tokens") && Predicate.isNumber(data.input_tokens)
        ? Effect.succeed(data.input_tokens)
        : Effect.fail(isUnknownOperation(data) ? uncountable() : fromUnexpected("a token count", text, response))
    )
  )

type CountParams = Anthropic.MessageCountTokensParams & Anthropic.Beta.Messages.MessageCountTokensParams

/** Every field that the endpoint accepts, by the SDK's types. It refuses a request with any other field. */
const counted: Readonly<Record<keyof CountParams, true>> = {
  betas: true,
  billing_policy: true,
  cache_control: true,
  compaction: true,
  context_management: true,
  mcp_servers: true,
  messages: true,
  model: true,
  output_config: true,
  output_format: true,
  speed: true,
  system: true,
  thinking: true,
  tool_choice: true,
  tools: true,
  user_profile_id: true,
  workspace_id: true
}

const countedFields = Struct.keys(counted)

type Messages = Client["messages"]
type Params = Anthropic.MessageCreateParamsNonStreaming

/** How to send one kind of call. */
interface Sending<A> {
  /** The kind of a plain call, which `PlainCall` sends. */
  readonly plain?: "create" | "stream"
  readonly call: (messages: Messages, params: Params, options: Anthropic.RequestOptions) => Promise<Response>
  readonly read: (response: Response) => A | Promise<A>
  /** Ends the call; a stream keeps it for its whole life. */
  readonly controller?: AbortController
}

/**
 * Sends one request, without the SDK's retries and time-outs. One callback handles the promise and the time-out: a race
 * of two fibers, with the SDK watching the signal, made a call 1.5 times as expensive.
 */
const send = <A>(
  client: Client,
  request: Request,
  { call, controller: given, plain, read }: Sending<A>
): Effect.Effect<A, ClaudeError> =>
  Effect.withFiber((fiber) => {
    const transport = fiber.getRef(Transport)
    const limit = fiber.getRef(Timeouts).call
    const clock = fiber.getRef(Clock.Clock)
    const begun = Timer.now(clock)
    const warnings: Array<string> = []
    // Made in each run: a retry runs the same effect again, and the signal of the attempt before may be aborted.
    const controller = given ?? new AbortController()
    const { signal } = controller

    const viaSdk = (transport: Fetch): Promise<Response> => {
      const { headers, ...params } = request
      const options = { ...callOptions(client, transport, signal), ...(headers && { headers }) }
      const messages = params.betas === undefined ? client.messages : client.beta?.messages
      if (messages === undefined) throw unsupported("use the beta API")
      // The beta API has a superset of the parameters and answers of the stable API.
      return capturing(warnings, () => call(messages as Messages, params as Params, options))
    }
    const respond = (): Promise<Response> => {
      if (plain === undefined) return viaSdk(transport)
      const streaming = plain === "stream"
      const response = PlainCall.send(client, request, streaming, transport, signal)
      if (response === undefined) return viaSdk(PlainCall.copying(client, request, streaming, transport))
      return response.then(
        (response) => (response.ok ? response : viaSdk(() => Promise.resolve(response))),
        (error) => viaSdk(() => Promise.reject(error))
      )
    }
    const answer = Effect.callback<A, ClaudeError>((resume) => {
      const stop = Timer.after(limit, fiber, () => {
        resume(Effect.fail(timedOut(limit)))
        controller.abort(late)
      })
      const settle = (result: Effect.Effect<A, ClaudeError>) => {
        stop()
        resume(result)
      }
      const fail = (error: unknown) =>
        settle(Effect.suspend(() => Effect.fail(fromUnknown(error, Timer.now(clock) - begun))))
      try {
        respond()
          .then(read)
          .then((value) => settle(Effect.succeed(value)), fail)
      } catch (error) {
        fail(error)
      }
      return Effect.sync(() => {
        stop()
        controller.abort(interrupted)
      })
    })
    return Effect.ensuring(
      answer,
      Effect.suspend(() => (warnings.length === 0 ? Effect.void : logOnce(client, warnings)))
    )
  })

/** Collects the SDK's warnings about deprecated models, which it writes to the console during the call of `create`. */
const capturing = <A>(warnings: Array<string>, call: () => A): A => {
  const { warn } = console
  console.warn = (...parts) => warnings.push(parts.join(" "))
  try {
    return call()
  } finally {
    console.warn = warn
  }
}

/** The warnings that a client has logged. */
const logged = new WeakMap<Client, Set<string>>()

const logOnce = (client: Client, warnings: ReadonlyArray<string>) =>
  Effect.suspend(() => {
    const before = logged.get(client) ?? new Set()
    const news = warnings.filter((warning) => !before.has(warning))
    logged.set(client, new Set([...before, ...news]))
    return Effect.forEach(news, (warning) => Effect.logWarning(warning), { discard: true })
  })

const timedOut = (limit: Duration.Input) =>
  new ClaudeError({
    reason: new TimedOut({
      detail: `no answer within ${Duration.format(Duration.fromInputUnsafe(limit))}`,
      remedy: "retry, raise Claude.Timeouts.call, or stream the answer"
    })
  })

const unsupported = (what: string) =>
  new ClaudeError({ reason: new Unsupported({ detail: `this backend cannot ${what}` }) })

const uncountable = () => unsupported("count tokens")

/** Whether AWS knows no such operation, which it reports with status 200: Bedrock's client offers more than Bedrock. */
const isUnknownOperation = (data: unknown) =>
  Predicate.hasProperty(data, "Output") &&
  Predicate.hasProperty(data.Output, "__type") &&
  data.Output.__type === "com.amazon.coral.service#UnknownOperationException"

/** A response and its body, of any content type. Rejects where the body breaks off. */
const withData = (response: Response) =>
  response.text().then(
    (text) => ({ response, text, data: Json.parse(text) }),
    (cause) => Promise.reject(new APIConnectionError({ cause }))
  )

const factsOf = (response: Response): ReplyFacts => ({
  requestId: response.headers.get("request-id") ?? undefined,
  origin: "api",
  rateLimits: RateLimits.fromHeaders(response.headers)
})
