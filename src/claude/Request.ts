/**
 * What we ask of Claude. A `Prompt` is what a user writes; a `Request` is a prompt with `model` and `max_tokens` filled
 * in, so that policies and hashes only ever see resolved requests. The field names are the API's.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as String from "effect/String"
import * as Struct from "effect/Struct"

type Stable = Anthropic.Messages.MessageCreateParamsNonStreaming
type Beta = Anthropic.Beta.Messages.MessageCreateParamsNonStreaming

/** The SDK's non-streaming parameters; fields of the beta API fit in too, and so do beta tools, blocks and settings. */
type Params = { readonly [K in keyof Stable]: Stable[K] | (K extends keyof Beta ? Beta[K] : never) } & {
  readonly [K in Exclude<keyof Beta, keyof Stable>]?: Beta[K]
}

/**
 * A resolved request: the SDK's parameters, with two additions. `betas` sends the call through the beta API;
 * `headers` are sent with this call only.
 */
export type Request = Omit<Params, "stream"> & { readonly headers?: Readonly<Record<string, string>> }

/** What verbs take: a user message, or a request whose `model` and `max_tokens` may be left to `Defaults`. */
export type Prompt = string | (Omit<Request, "model" | "max_tokens"> & Partial<Pick<Request, "model" | "max_tokens">>)

/** What a prompt does not say. */
export interface Defaults {
  readonly model: Request["model"]
  readonly max_tokens: number
}

/**
 * Read by the verbs: `Effect.provideService(Claude.Defaults, { model: "claude-opus-5-5", max_tokens: 8192 })`.
 * By default `claude-sonnet-5-5` and 4096 tokens.
 */
export const Defaults: Context.Reference<Defaults> = Context.Reference("effect-claude/Defaults", {
  defaultValue: (): Defaults => ({ model: "claude-sonnet-5-5", max_tokens: 4096 })
})

/** Fills in what the prompt left out. */
export const resolve = (prompt: Prompt): Effect.Effect<Request> =>
  Effect.map(Defaults, (defaults) => fill(prompt, defaults))

/** `resolve` with the defaults given. */
export const fill = (prompt: Prompt, defaults: Defaults): Request =>
  typeof prompt === "string"
    ? { ...defaults, messages: [{ role: "user", content: prompt }] }
    : { ...prompt, model: prompt.model ?? defaults.model, max_tokens: prompt.max_tokens ?? defaults.max_tokens }

/**
 * The text that two requests share exactly when the API would be asked the same thing: object keys sorted, absent
 * and empty fields dropped, a text and one block of it alike, and without what cannot change the answer (`metadata`, cache
 * breakpoints, headers that are not the API's own).
 */
export const canonical = ({ headers = {}, ...request }: Request): string => {
  const own = Record.filter(Record.mapKeys(headers, String.toLowerCase), (_, name) => name.startsWith("anthropic-"))
  const asked = {
    ...Struct.omit(request, ["metadata"]),
    system: shortest(request.system),
    messages: Array.isArray(request.messages) ? request.messages.map(shortened) : request.messages,
    ...(!Record.isEmptyRecord(own) && { headers: own })
  }
  const said = Object.fromEntries(Object.entries(asked).filter(([, field]) => isSaid(field)))
  return JSON.stringify(said, (key, value) => {
    // What a tool was called with is not ours to read.
    if (key === "input") return JSON.stringify(value, (_, inner) => sorted(inner))
    return key === "cache_control" && isBreakpoint(value) ? undefined : sorted(value)
  })
}

const sorted = (value: unknown): unknown =>
  Predicate.isObject(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value

/** An empty list, and an empty system prompt, say nothing. */
const isSaid = (field: unknown) => field !== "" && !(Array.isArray(field) && field.length === 0)

/** A cassette compares requests that were refused, too: nothing is taken for granted. */
const shortened = (message: unknown): unknown =>
  Predicate.isObject(message) && "content" in message ? { ...message, content: shortest(message["content"]) } : message

/** A text block with nothing but its text says what the text alone would say. */
const shortest = (content: unknown): unknown => {
  if (!Array.isArray(content) || content.length !== 1) return content
  const [block]: ReadonlyArray<unknown> = content
  if (!Predicate.isObject(block) || block["type"] !== "text") return content
  const { cache_control = null, text, type: _, ...more } = block
  return isBreakpoint(cache_control) && Record.isEmptyRecord(more) ? text : content
}

const isBreakpoint = (value: unknown) => value === null || (Predicate.isObject(value) && value["type"] === "ephemeral")

/** SHA-256 of the canonical form, in hexadecimal. */
export const hash = (request: Request): string => bytesToHex(sha256(utf8ToBytes(canonical(request))))
