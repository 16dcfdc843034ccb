/**
 * Claude behind an HTTP endpoint, for `effect/http`. `text` streams an answer, and `toResponse` turns an error into
 * problem details (RFC 9457). A streamed response has its status before its end: an error after the first text can only
 * break the connection.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Stream from "effect/Stream"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ProblemDetails from "effect/http/ProblemDetails"
import { ClaudeError } from "../claude/ClaudeError.ts"

/**
 * Responds with the text of a stream, chunk by chunk. It waits for the first chunk, so that a stream that fails before
 * becomes a problem response. A mistake of the program, such as a refused key, is logged and hidden from the client.
 */
export const text = Effect.fn("Http.text")(function* <R>(stream: Stream.Stream<string, ClaudeError, R>) {
  const context = yield* Effect.context<R>()
  const pull = yield* Stream.toPull(Stream.provideContext(stream, context))
  const first = yield* Effect.exit(pull)
  if (Exit.isFailure(first)) {
    const error = Cause.squash(first.cause)
    if (error instanceof ClaudeError) {
      if (statusOf(error) === 500) yield* Effect.logError(error.message)
      return toResponse(error)
    }
    if (!Cause.isDone(error)) return yield* Effect.failCause(first.cause).pipe(Effect.orDie)
  }
  const chunks = Exit.isSuccess(first) ? Stream.fromIterable(first.value) : Stream.empty
  const rest = Exit.isSuccess(first) ? Stream.fromPull(Effect.succeed(pull)) : Stream.empty
  return HttpServerResponse.stream(Stream.concat(chunks, rest).pipe(Stream.encodeText), {
    contentType: "text/plain; charset=utf-8"
  })
})

/** The problem details of an error, with `retry-after` where waiting helps and the time is known. */
export const toResponse = (error: ClaudeError): HttpServerResponse.HttpServerResponse => {
  const status = statusOf(error)
  const { requestId, retryAfter } = error.reason
  const response = ProblemDetails.toResponse({
    type: ProblemDetails.blankType,
    status,
    title: titles[status],
    detail: status === 400 ? error.reason.detail : details[status],
    ...(requestId !== undefined && { requestId })
  })
  if (retryAfter === undefined || (status !== 429 && status !== 503)) return response
  return HttpServerResponse.setHeader(response, "retry-after", String(Math.ceil(Duration.toSeconds(retryAfter))))
}

const titles = {
  400: "Bad Request",
  413: "Content Too Large",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout"
} as const
type Status = keyof typeof titles

/** The text of the API stays out of these: it may name the account of the program. */
const details: Readonly<Record<Exclude<Status, 400>, string>> = {
  413: "The text is too long for the model; send a shorter one.",
  422: "The model declined to answer this text; change it.",
  429: "The model is at its rate limit; try again later.",
  500: "The server cannot use the model.",
  502: "The model gave no usable answer; try again.",
  503: "The model is overloaded; try again later.",
  504: "The model took too long to answer; try again."
}

/** Any other reason is a mistake of the program or of its account: 500. */
const statuses: Partial<Record<ClaudeError["reason"]["_tag"], Status>> = {
  InvalidRequest: 400,
  RequestTooLarge: 413,
  ContextWindowExceeded: 413,
  Refused: 422,
  RateLimited: 429,
  ServerFailed: 502,
  ConnectionFailed: 502,
  StreamInterrupted: 502,
  MalformedResponse: 502,
  OutputTruncated: 502,
  OutputInvalid: 502,
  OutputEmpty: 502,
  TurnPaused: 502,
  Overloaded: 503,
  Conflict: 503,
  TimedOut: 504
}

const statusOf = ({ reason }: ClaudeError): Status => statuses[reason._tag] ?? 500
