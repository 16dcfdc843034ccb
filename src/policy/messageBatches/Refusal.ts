/**
 * Requests that a batch cannot contain. They are refused before they wait: the API would say so hours later.
 */
import * as Predicate from "effect/Predicate"
import { ClaudeError, RequestTooLarge, Unsupported } from "../../claude/ClaudeError.ts"
import type { Request } from "../../claude/Request.ts"

/** Why a batch of at most `most` bytes cannot contain a request of this size, or undefined. */
export const find = (request: Request, bytes: number, most: number): ClaudeError | undefined => {
  const { headers, max_tokens: maxTokens, speed } = request
  if (Predicate.hasProperty(request, "stream") && request.stream === true) {
    return unsupported("`stream: true`", "leave it out; Claude.stream works in batches too")
  }
  const field = ["fallbacks", "fallback_credit_token"].find((field) => Predicate.hasProperty(request, field))
  if (field !== undefined) return unsupported(`\`${field}\``, "leave it out, or run without batches")
  if (speed === "fast") return unsupported('`speed: "fast"`', "leave it out, or run without batches")
  if (maxTokens < 1) return unsupported("`max_tokens: 0`", "ask for at least one token, or run without batches")
  if (headers !== undefined && Object.keys(headers).length > 0) {
    return unsupported("`headers` for one call", "name betas in `betas`, or give the headers to the client")
  }
  if (bytes <= most) return undefined
  const detail = `the request has ${bytes} bytes, and a batch holds at most ${most}`
  return new ClaudeError({ reason: new RequestTooLarge({ detail }) })
}

/** The error of a client whose backend has no batches. */
export const noBatches = (): ClaudeError =>
  new ClaudeError({
    reason: new Unsupported({ detail: "this backend has no Message Batches", remedy: "run without batches" })
  })

const unsupported = (what: string, remedy: string) =>
  new ClaudeError({ reason: new Unsupported({ detail: `Message Batches do not support ${what}`, remedy }) })
