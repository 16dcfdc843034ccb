/**
 * The API's ways of saying no: a status, a type, a message, in the envelope that every error travels in.
 */
import * as Exchange from "./Exchange.ts"

/** A refusal. */
export interface ApiError {
  readonly status: number
  readonly type: string
  readonly message: string
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

/** An error with the type of its status. */
export const make = (status: Status, message: string): ApiError => ({ status, type: types[status], message })

/** The error as a response: the envelope, whether to try again, and for a 429 when. */
export const toResponse = (error: ApiError, requestId: string): Exchange.Response => {
  const { status, type, message } = error
  const retryable = status === 408 || status === 409 || status === 429 || status >= 500
  const envelope = Exchange.json({ type: "error", error: { type, message }, request_id: requestId })
  const headers = { ...envelope.headers, "x-should-retry": `${retryable}` }
  return { ...envelope, status, headers: status === 429 ? { ...headers, "retry-after": "1" } : headers }
}
