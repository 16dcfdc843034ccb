/**
 * The requests of the Message Batches API, as effects. None is repeated by the SDK: a repeated creation would create the
 * batch twice.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import { callOptions, type Client } from "../../claude/AnthropicClient.ts"
import { Timeouts } from "../../claude/Claude.ts"
import { ClaudeError, TimedOut } from "../../claude/ClaudeError.ts"
import * as Failure from "../../claude/Failure.ts"
import * as Timer from "../../claude/Timer.ts"
import * as Json from "../../claude/Json.ts"
import type { Request } from "../../claude/Request.ts"
import { Transport } from "../../claude/Transport.ts"

const Counts = Schema.Struct({
  processing: Schema.Finite,
  succeeded: Schema.Finite,
  errored: Schema.Finite,
  canceled: Schema.Finite,
  expired: Schema.Finite
})

const WireBatch = Schema.Struct({
  id: Schema.String,
  processing_status: Schema.String,
  request_counts: Counts,
  created_at: Schema.String,
  archived_at: Schema.optionalKey(Schema.NullOr(Schema.String))
})

const WireResult = Schema.Struct({
  custom_id: Schema.String,
  result: Schema.Struct({
    type: Schema.String,
    message: Schema.optionalKey(Schema.Unknown),
    error: Schema.optionalKey(Schema.Unknown)
  })
})

/** A batch as the API reports it. */
export interface ApiBatch {
  readonly id: string
  readonly state: string
  /** The results by kind; all are 0 until the batch ends. */
  readonly counts: {
    readonly succeeded: number
    readonly errored: number
    readonly canceled: number
    readonly expired: number
  }
  /** Its requests. */
  readonly total: number
  /** By the clock of the API, in milliseconds since 1970. */
  readonly createdAt: number
  /** Whether the API still keeps the results, which it does for 29 days. */
  readonly hasResults: boolean
  /** How long the API asks to wait before the next look. */
  readonly retryAfter: Duration.Duration | undefined
  readonly requestId: string | undefined
}

/** The result of one request. */
export interface ApiResult {
  readonly customId: string
  /** `succeeded`, `errored`, `canceled` or `expired`. */
  readonly type: string
  readonly message?: unknown
  readonly error?: unknown
}

/** What holds for all requests of a batch, because it travels in headers. */
export interface Head {
  readonly betas: ReadonlyArray<string> | undefined
  readonly user_profile_id: string | undefined
  readonly workspace_id: string | undefined
}

/** The API for batches with the same head. */
export interface BatchesApi {
  readonly create: (
    requests: ReadonlyArray<readonly [id: string, request: Request]>
  ) => Effect.Effect<ApiBatch, ClaudeError>
  readonly retrieve: (id: string) => Effect.Effect<ApiBatch, ClaudeError>
  readonly cancel: (id: string) => Effect.Effect<ApiBatch, ClaudeError>
  /** All batches of the workspace, the newest first. */
  readonly list: Stream.Stream<ApiBatch, ClaudeError>
  /** The results of a batch that has ended, in any order. */
  readonly results: (id: string) => Stream.Stream<ApiResult, ClaudeError>
}

/** The head of the batch that a request belongs to. */
export const headOf = ({ betas, user_profile_id, workspace_id }: Request): Head => ({
  betas: betas === undefined ? undefined : [...new Set(betas)].toSorted(),
  user_profile_id: user_profile_id ?? undefined,
  workspace_id: workspace_id ?? undefined
})

/** A request as a batch contains it: without what travels in headers. */
export const paramsOf = (request: Request) =>
  Struct.omit(request, ["betas", "headers", "user_profile_id", "workspace_id"])

type Batches = NonNullable<Client["messages"]["batches"]>

/** The API of a client; undefined if its backend has no batches, as Bedrock and Vertex. */
export const make = (client: Client, { betas, user_profile_id, workspace_id }: Head): BatchesApi | undefined => {
  // The beta API takes the same parameters, and `betas`.
  const batches = (betas === undefined ? client.messages : client.beta?.messages)?.batches as Batches | undefined
  if (batches === undefined) return undefined
  const params = { ...(betas !== undefined && { betas }), ...(workspace_id !== undefined && { workspace_id }) }
  const create = (requests: ReadonlyArray<readonly [string, Request]>, options: Anthropic.RequestOptions) => {
    const body = { requests: requests.map(([custom_id, request]) => ({ custom_id, params: paramsOf(request) })) }
    const head = { ...params, ...(user_profile_id !== undefined && { user_profile_id }) }
    // The beta API has a superset of the parameters of the stable API.
    return batches.create({ ...(body as Anthropic.Messages.BatchCreateParams), ...head }, options)
  }
  return {
    create: (requests) => send(client, (options) => create(requests, options)),
    retrieve: (id) => send(client, (options) => batches.retrieve(id, params, options)),
    cancel: (id) => send(client, (options) => batches.cancel(id, params, options)),
    list: Stream.mapEffect(
      read(client, (options) => Promise.resolve(batches.list({ limit: 100, ...params }, options))),
      (data) => Effect.mapError(decodeBatch(data), () => Failure.malformed("expected a batch, got other JSON")),
      { concurrency: 1 }
    ).pipe(Stream.map((batch) => toBatch(batch, new Headers()))),
    results: (id) =>
      Stream.mapEffect(
        read(client, (options) => batches.results(id, params, options)),
        (data) => Effect.mapError(decodeResult(data), () => Failure.malformed("expected a result, got other JSON"))
      )
  }
}

/** Sends one request for a batch. */
const send = (client: Client, call: (options: Anthropic.RequestOptions) => { asResponse: () => Promise<Response> }) =>
  Effect.gen(function* () {
    const transport = yield* Transport
    const { call: limit } = yield* Timeouts
    const { response, text } = yield* inTime(limit, (signal) =>
      call(callOptions(client, transport, signal))
        .asResponse()
        .then((response) => response.text().then((text) => ({ response, text })))
    )
    const unexpected = () => Failure.fromUnexpected("a batch", text, response)
    return toBatch(yield* Effect.mapError(decodeBatch(Json.parse(text)), unexpected), response.headers)
  })

/** Reads a list or a file of the API. Closing the stream closes the connection. */
const read = (client: Client, open: (options: Anthropic.RequestOptions) => Promise<AsyncIterable<unknown>>) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const transport = yield* Transport
      const { call: limit, idle } = yield* Timeouts
      const controller = yield* Effect.acquireRelease(
        Effect.sync(() => new AbortController()),
        (controller) => Effect.sync(() => controller.abort())
      )
      const opened = yield* inTime(limit, () => open(callOptions(client, transport, controller.signal)))
      const lines = Stream.fromAsyncIterable(opened, (error) => Failure.fromUnknown(error))
      return Stream.transformPull(lines, (pull) =>
        Effect.succeed(Effect.timeoutOrElse(pull, { duration: idle, orElse: () => Effect.fail(timedOut(idle)) }))
      )
    })
  )

const inTime = <A>(limit: Duration.Input, call: (signal: AbortSignal) => Promise<A>) =>
  Effect.withFiber((fiber) => {
    const clock = fiber.getRef(Clock.Clock)
    const begun = Timer.now(clock)
    return Effect.tryPromise({
      try: call,
      catch: (error) => Failure.fromUnknown(error, Timer.now(clock) - begun)
    }).pipe(Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.fail(timedOut(limit)) }))
  })

const timedOut = (limit: Duration.Input) =>
  new ClaudeError({
    reason: new TimedOut({ detail: `no answer within ${Duration.format(Duration.fromInputUnsafe(limit))}` })
  })

const decodeBatch = Schema.decodeUnknownEffect(WireBatch)

const toBatch = (batch: typeof WireBatch.Type, headers: Headers): ApiBatch => {
  const { processing, ...counts } = batch.request_counts
  const total = processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
  return {
    id: batch.id,
    state: batch.processing_status,
    counts,
    total,
    createdAt: Date.parse(batch.created_at),
    hasResults: !Predicate.isString(batch.archived_at),
    retryAfter: Failure.retryAfterOf(headers),
    requestId: headers.get("request-id") ?? undefined
  }
}

const decodeLine = Schema.decodeUnknownEffect(WireResult)

const decodeResult = (data: unknown) =>
  Effect.map(decodeLine(data), ({ custom_id, result }): ApiResult => ({ customId: custom_id, ...result }))
