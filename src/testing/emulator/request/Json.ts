/**
 * The body of a request as JSON: at most 32 MB, in well-formed Unicode.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ApiError from "../wire/ApiError.ts"
import type * as Exchange from "../wire/Exchange.ts"
import { refuse } from "../wire/Refusal.ts"

const parseJson = Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))

const invalid = "The request body is not valid JSON"

/** Parses a body. */
export const parse = (
  { body, headers }: Pick<Exchange.Request, "body" | "headers">,
  maximumBytes = 32 * 1024 * 1024
): Effect.Effect<unknown, ApiError.ApiError> => {
  // Without a `content-length`, there are at least as many bytes as characters.
  if (Math.max(Number(headers["content-length"] ?? 0), body.length) > maximumBytes) {
    return Effect.fail(ApiError.make(413, "Request exceeds the maximum size"))
  }
  const half = unpaired(body)
  if (half !== undefined) {
    return refuse(`${invalid}: ${half.problem} in string: line 1 column ${half.at + 1} (char ${half.at})`)
  }
  return Effect.mapError(parseJson(body), () => ApiError.make(400, invalid))
}

const escapedSurrogate = /\\u[dD][89a-fA-F]/
const escape = /\\(?:u([0-9a-fA-F]{4})|[^])/g

/** The first half of a surrogate pair. `JSON.parse` accepts it, the parser of the API does not. */
const unpaired = (body: string): { readonly at: number; readonly problem: string } | undefined => {
  if (!body.isWellFormed()) return { at: body.search(loneSurrogate), problem: "no low surrogate" }
  if (!escapedSurrogate.test(body)) return undefined
  let high: RegExpExecArray | undefined
  for (const match of body.matchAll(escape)) {
    const code = Number.parseInt(match[1] ?? "", 16)
    const isLow = code >= 0xdc00 && code < 0xe000
    const follows = high !== undefined && match.index === high.index + high[0].length
    if (isLow && !follows) return { at: match.index, problem: "no high surrogate" }
    if (high !== undefined && !isLow) break
    high = code >= 0xd800 && code < 0xdc00 ? match : undefined
  }
  return high && { at: high.index, problem: "no low surrogate" }
}

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/
