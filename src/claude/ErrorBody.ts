/**
 * Reads what an error body reports, in whatever shape a server or a gateway writes it: the API's own, a text, an HTML
 * page, problem details, lists, JSON within JSON. Pure.
 */
import * as Predicate from "effect/Predicate"
import * as Json from "./Json.ts"

/** What a body reports. */
export interface ErrorBody {
  /** The text for people: the API's own as it is, any other on one line. */
  readonly detail: string | undefined
  /** Whether the body has the shape of the API. */
  readonly isApi: boolean
  readonly type: string | undefined
  /** The `error_code` of the API. */
  readonly code: string | undefined
  /** The HTTP status that the body names. */
  readonly status: number | undefined
  readonly requestId: string | undefined
}

/** Reads a body, which is a text or decoded JSON. */
export const read = (body: unknown): ErrorBody => {
  const error = innermost(body)
  const fields = Predicate.isObject(error) ? error : {}
  const { details, message, type } = fields
  const isOfApi = Predicate.isObject(body) && body["type"] === "error" && error === body["error"]
  const isApi = isOfApi && Predicate.isString(message) && /^[^<{[]/.test(message)
  const code = Predicate.isObject(details) ? details["error_code"] : undefined
  const id = Predicate.isObject(body) ? body["request_id"] : undefined
  return {
    detail: isApi ? message : wordsIn(body, 0),
    isApi,
    type: Predicate.isString(type) && type !== "error" ? type : undefined,
    code: Predicate.isString(code) ? code : undefined,
    status: ["status", "status_code", "statusCode", "code"]
      .map((name) => statusOf(fields[name]))
      .find((found) => found),
    requestId: Predicate.isString(id) ? id : undefined
  }
}

/** Whether a body with status 200 reports an error. */
export const isError = (body: unknown): boolean =>
  Predicate.isObject(body) && (body["type"] === "error" || Boolean(body["error"]) || Array.isArray(body["errors"]))

/** The title of an HTML page; none where the text is no such page. */
export const titleOf = (text: string): string | undefined => {
  const found = /<(title|h1)[^>]*>([^<]+)</i.exec(text) ?? /<(Message)>([^<]+)</i.exec(text)
  return found?.[2] === undefined ? undefined : oneLine(found[2])
}

/** No body is nested deeper. */
const maxDepth = 6

const innermost = (value: unknown, depth = 0): unknown => {
  if (depth === maxDepth) return value
  if (Array.isArray(value)) return innermost(value[0], depth + 1)
  if (!Predicate.isObject(value)) return value
  const inner = [value["error"], value["detail"], value["message"]].find(isErrorObject)
  return inner === undefined ? value : innermost(inner, depth + 1)
}

const isErrorObject = (value: unknown) =>
  Array.isArray(value) ||
  (Predicate.isObject(value) && ["error", "message", "type", "code"].some((name) => name in value))

const statusOf = (value: unknown): number | undefined => {
  const status = Number(value)
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : undefined
}

/** The names of fields with words, the most telling first. `error` may hold only a status phrase beside them. */
const names = [
  "message",
  "Message",
  "error_description",
  "errorMessage",
  "detail",
  "details",
  "msg",
  "description",
  "faultstring",
  "fault",
  "errors",
  "error",
  "reason",
  "title"
]

const wordsIn = (value: unknown, depth: number): string | undefined => {
  if (depth === maxDepth) return undefined
  if (Predicate.isString(value)) return wordsInText(value, depth)
  if (Array.isArray(value)) {
    const found = value.slice(0, 3).flatMap((item) => wordsIn(item, depth + 1) ?? [])
    return found.length === 0 ? undefined : found.join("; ")
  }
  if (!Predicate.isObject(value)) return undefined
  const nested = Predicate.isObject(value["error"]) ? wordsIn(value["error"], depth + 1) : undefined
  if (nested !== undefined) return nested
  for (const name of names) {
    const found = wordsIn(value[name], depth + 1)
    if (found !== undefined) return Array.isArray(value["loc"]) ? `${value["loc"].join(".")}: ${found}` : found
  }
  return undefined
}

const wordsInText = (text: string, depth: number): string | undefined => {
  const words = oneLine(text)
  if (words.startsWith("<")) return titleOf(words)
  if (!/^[[{]/.test(words)) return words === "" ? undefined : words
  const json = Json.parse(words)
  return json === undefined ? words : wordsIn(json, depth + 1)
}

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim()
