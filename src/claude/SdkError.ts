/**
 * Recognises errors of the SDK, whichever copy of it threw them. A client that an app brings may come from another
 * version of the SDK, or from its CommonJS build: its errors have classes of the same names, but of another identity.
 */
import { APIConnectionError, APIConnectionTimeoutError, APIError, AnthropicError } from "@anthropic-ai/sdk/error"

/** No answer came in time. */
export const isTimeout = (error: unknown): error is APIConnectionTimeoutError =>
  error instanceof APIConnectionTimeoutError || hasClass(error, "APIConnectionTimeoutError")

/** No answer came. */
export const isConnection = (error: unknown): error is APIConnectionError =>
  error instanceof APIConnectionError || hasClass(error, "APIConnectionError")

/** The API, or a server in front of it, answered with an error. */
export const isAnswer = (error: unknown): error is APIError => error instanceof APIError || hasClass(error, "APIError")

/** Any error of the SDK, such as a failed check of its arguments. */
export const isSdk = (error: unknown): error is AnthropicError =>
  error instanceof AnthropicError || hasClass(error, "AnthropicError")

/** Whether the class of an error, or one that it extends, has this name. */
const hasClass = (error: unknown, name: string): boolean => {
  for (let value = error; value instanceof Error; value = Object.getPrototypeOf(value)) {
    if (value.constructor.name === name) return true
  }
  return false
}
