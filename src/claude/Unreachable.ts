/**
 * Failures after which no server has seen the request: nothing was carried out, and nothing is billed.
 */
import type { ClaudeError } from "./ClaudeError.ts"

const codes = new Set(["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"])

/** Whether the host has no address, refuses connections, or cannot be reached. */
export const isUnreachable = ({ reason }: ClaudeError): boolean =>
  reason._tag === "ConnectionFailed" && reason.code !== undefined && codes.has(reason.code)

/** The same, and connections that can never come about, such as one without TLS. */
export const neverArrived = (error: ClaudeError): boolean =>
  isUnreachable(error) || (error.reason._tag === "ConnectionFailed" && error.reason.shouldRetry === false)
