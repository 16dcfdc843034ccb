/**
 * Errors of the API: a status, a type and a message, in the envelope of every error.
 */
import * as Exchange from "./Exchange.ts"

/** A refusal. */
export interface ApiError {
  readonly status: number
  readonly type: string
  readonly message: string
  /** `error_code`, for the errors that have one. */
  readonly code?: string
  /** In seconds. */
  readonly retryAfter?: number | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** The type that goes with a status. */
export const types = {
  400: "invalid_request_error",
  401: "authentication_error",
  404: "not_found_error",
  405: "invalid_request_error",
  408: "timeout_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  503: "api_error",
  504: "timeout_error",
  529: "overloaded_error"
} as const

/** A status that an error can have. */
export type Status = keyof typeof types

/** An error with the type of its status; a 429 asks for a second. */
export const make = (status: Status, message: string): ApiError => ({
  status,
  type: types[status],
  message,
  retryAfter: status === 429 ? 1 : undefined
})

/** The error as a response: the envelope, whether to try again, and when. */
export const toResponse = (error: ApiError, requestId: string): Exchange.Response => {
  const { code, headers, message, retryAfter, status, type } = error
  const retryable = status === 408 || status === 409 || status === 429 || status >= 500
  const details = code === undefined ? {} : { details: { error_code: code } }
  const envelope = Exchange.json({ type: "error", error: { type, message, ...details }, request_id: requestId })
  return {
    ...envelope,
    status,
    headers: {
      ...envelope.headers,
      "x-should-retry": `${retryable}`,
      ...(retryAfter !== undefined && { "retry-after": `${retryAfter}` }),
      ...headers
    }
  }
}
