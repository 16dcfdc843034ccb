/**
 * Reads the error in the body of a response, in any shape that a server or a gateway uses: the API's own, a text, an
 * HTML page, problem details, lists, JSON within JSON. Pure.
 */
import * as Predicate from "effect/Predicate"
import * as Json from "./Json.ts"

/** The error in a body. */
export interface ErrorBody {
  /** The text for people: unchanged from the API, on one line from any other server. */
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
    status: statusIn(fields),
    requestId: Predicate.isString(id) ? id : undefined
  }
}

/** Whether a body with status 200 reports an error. */
export const isError = (body: unknown): boolean =>
  Predicate.isObject(body) &&
  (body["type"] === "error" ||
    Boolean(body["error"]) ||
    Array.isArray(body["errors"]) ||
    body["success"] === false ||
    statusIn(body) !== undefined)

/** The title of an HTML page, or the message of an XML document; none where the text is neither. */
export const titleOf = (text: string): string | undefined => {
  const found = /<(title|h1)[^>]*>([^<]+)</i.exec(text) ?? /<(Message|faultstring)[^>]*>([^<]+)</i.exec(text)
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

const statusIn = (fields: { readonly [field: string]: unknown }): number | undefined =>
  ["status", "status_code", "statusCode", "code"].map((name) => statusOf(fields[name])).find((found) => found)

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
  "error_message",
  "errorMsg",
  "error_msg",
  "errmsg",
  "detail",
  "details",
  "msg",
  "description",
  "faultstring",
  "fault",
  "errors",
  "issues",
  "error",
  "reason",
  "hint",
  "info",
  "title"
]

/** The names of fields that may hold an error. A text in them may be an answer. */
const containers = ["data", "response", "result", "body"]

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
    if (found !== undefined) return withContext(found, value, depth)
  }
  const inside = containers.map((name) => value[name]).find(Predicate.isObject)
  return (inside && wordsIn(inside, depth + 1)) ?? wordsByField(value)
}

/** Validators name the field. OpenRouter keeps the error of the provider in `metadata.raw`. */
const withContext = (words: string, { loc, metadata, path }: Readonly<Record<string, unknown>>, depth: number) => {
  const field = Array.isArray(loc) ? loc : Array.isArray(path) ? path : []
  const raw = Predicate.isObject(metadata) ? wordsIn(metadata["raw"], depth + 1) : undefined
  const named = field.length === 0 ? words : `${field.join(".")}: ${words}`
  return raw === undefined ? named : `${named}: ${raw}`
}

/** The words of a validator that lists them by field: `{ "model": ["is required"] }`. */
const wordsByField = (value: object): string | undefined => {
  const lists = Object.entries(value).filter(([, list]) => isTexts(list))
  return lists.length === 0
    ? undefined
    : lists
        .slice(0, 3)
        .map(([field, list]) => oneLine(`${field}: ${list.join(", ")}`))
        .join("; ")
}

const isTexts = (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(Predicate.isString)

const wordsInText = (text: string, depth: number): string | undefined => {
  const words = oneLine(text)
  if (words.startsWith("<")) return titleOf(words) ?? textOf(words)
  if (!/^[[{]/.test(words)) return words === "" ? undefined : words
  const json = Json.parse(words)
  return json === undefined ? words : wordsIn(json, depth + 1)
}

/** The text of a page without a title. */
const textOf = (page: string): string | undefined => {
  const start = page.slice(0, 5000).replace(/<(script|style)\b.*?<\/\1>/gis, " ")
  return oneLine(start.replace(/<[^>]*>/g, " ")) || undefined
}

/** Control characters could change the terminal. */
const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, " ").trim()
