/**
 * The size of a request, as far as its texts and files make it. It refuses only what the API is certain to refuse, before
 * megabytes are sent.
 */
import * as Predicate from "effect/Predicate"
import { ClaudeError, RequestTooLarge } from "./ClaudeError.ts"
import type { Request } from "./Request.ts"

/** Bytes of a request to the Messages API (Anthropic, "Errors", request size limits, 2026). */
export const most = 32 * 1024 * 1024

/** Why the API takes no request of this size; undefined if it may take it. Other parts of a request are not counted. */
export const refusal = ({ messages }: Pick<Request, "messages">): ClaudeError | undefined => {
  let files = 0
  let size = 0
  const add = (block: unknown): void => {
    if (Predicate.isString(block)) size += block.length
    else if (Array.isArray(block)) block.forEach(add)
    else if (Predicate.hasProperty(block, "source") && Predicate.hasProperty(block.source, "data")) {
      files += 1
      add(block.source.data)
    } else if (Predicate.hasProperty(block, "text")) add(block.text)
    else if (Predicate.hasProperty(block, "content")) add(block.content)
  }
  add(messages)
  if (size <= most) return undefined
  const content = `the texts and ${files} files of the request`
  const detail = `${content} have ${megabytes(size)}, and a request may have ${megabytes(most)}`
  return new ClaudeError({ reason: new RequestTooLarge({ detail }) })
}

const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`
