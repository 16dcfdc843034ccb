/**
 * Failures after which no server has seen the request: nothing was carried out, and nothing is billed.
 */
import type { ClaudeError } from "./ClaudeError.ts"

const codes = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  // No connection came about in time, such as where the name servers do not answer.
  "UND_ERR_CONNECT_TIMEOUT"
])

/** Whether the host has no address, refuses connections, or cannot be reached, also in the time that a connection has. */
export const isUnreachable = ({ reason }: ClaudeError): boolean =>
  reason._tag === "ConnectionFailed" && reason.code !== undefined && codes.has(reason.code)

/** The same, and connections that can never come about, such as one without TLS. */
export const neverArrived = (error: ClaudeError): boolean =>
  isUnreachable(error) || (error.reason._tag === "ConnectionFailed" && error.reason.shouldRetry === false)
