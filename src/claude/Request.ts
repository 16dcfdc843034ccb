/**
 * What we ask of Claude. A `Prompt` is what a user writes; a `Request` is a prompt with `model` and `max_tokens` filled
 * in, so that policies and hashes only ever see resolved requests. The field names are the API's.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as String from "effect/String"
import * as Sha256 from "./Sha256.ts"

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
 * The text that two requests share exactly when the API would be asked the same thing: the API's own keys sorted, a text
 * and one block of it alike, and without what says nothing, such as a default spelled out, or cannot change the answer,
 * such as `metadata`, cache breakpoints and the headers of traces and keys. Schemas, and what tools are called with, are as
 * they are: Claude answers in the order of a schema's properties.
 */
export const canonical = ({ headers, ...request }: Request): string => {
  const asked = headers === undefined ? request : { ...request, headers: telling(headers) }
  return JSON.stringify(said(asked, nonEmpty(request.tools) === undefined ? withoutTools : withTools))
}

/** SHA-256 of the canonical form, in hexadecimal. */
export const hash = (request: Request): string => Sha256.hex(canonical(request))

const telling = (headers: Readonly<Record<string, string>>) =>
  Record.filter(Record.mapKeys(headers, String.toLowerCase), (_, name) => !unheard.has(name))

/** Headers that change no answer. Any other may: a guardrail's on Bedrock does, or a gateway's that chooses the model. */
const unheard = new Set([
  "authorization",
  "baggage",
  "idempotency-key",
  "traceparent",
  "tracestate",
  "user-agent",
  "x-api-key",
  "x-request-id"
])

/** A field where the API has one of its name. */
interface Field {
  /** What its value says; `undefined` where that is what its absence says. */
  readonly says?: (value: unknown) => unknown
  /** The fields of the object in it, or of those in its list. */
  readonly has?: () => Fields
  /** What is in it is the program's: the order of its keys is part of it, and nothing in it is ours to read. */
  readonly isVerbatim?: true
}

type Fields = { readonly [name: string]: Field }

const unless = (...values: ReadonlyArray<unknown>): Field => {
  const unsaid = new Set(values.map((value) => JSON.stringify(value)))
  return { says: (value) => (unsaid.has(JSON.stringify(value)) ? undefined : value) }
}

const nonEmpty = (value: unknown) => (value === "" || (Array.isArray(value) && value.length === 0) ? undefined : value)

/** A text block with nothing but its text says what the text alone would say. */
const shortest = (content: unknown): unknown => {
  if (!Array.isArray(content) || content.length !== 1) return content
  const [block]: ReadonlyArray<unknown> = content
  const isBare = Predicate.isObject(block) && block["type"] === "text" && Object.keys(block).length === 2
  return isBare && Predicate.isString(block["text"]) ? block["text"] : content
}

// The meaning of a field's absence as the API's reference has it, whatever the model and the version. What is missing here
// costs a call; what were wrong would answer with the answer to something else. The source is the comments of the SDK's
// types (1.12), which take null for an absent field, and of platform.claude.com/docs/en:
//   api/service-tiers                            service_tier; which capacity serves a call changes its price, no answer
//   agents-and-tools/tool-use/define-tools       tool_choice where there are tools
//   agents-and-tools/tool-use/handle-tool-calls  is_error
//   agents-and-tools/tool-use/strict-tool-use    strict
//   agents-and-tools/tool-use/tool-search-tool   defer_loading
//   build-with-claude/search-results             citations
// Left alone are the defaults that hang on the model (`thinking`, `effort`, and `speed`, of which some models refuse any
// value), on the version of the API (`temperature`), the tool (`allowed_callers`) or the workspace (`inference_geo`).

const breakpoint = unless(
  null,
  { type: "ephemeral" },
  { ttl: "5m", type: "ephemeral" },
  { ttl: "1h", type: "ephemeral" }
)

const citations = unless(null, {}, { enabled: false })

const verbatim: Field = { isVerbatim: true }

/** A block of content, or of what a block contains. */
const block: Fields = {
  cache_control: breakpoint,
  citations,
  content: { has: () => block },
  context: unless(null),
  input: verbatim,
  is_error: unless(false),
  source: { has: () => source },
  title: unless(null),
  transformations: unless(null, {}, { oversized_image: "downsize" })
}

const source: Fields = { content: { has: () => block } }

const message: Fields = { content: { has: () => block, says: shortest } }

const tool: Fields = {
  cache_control: breakpoint,
  citations,
  defer_loading: unless(false),
  eager_input_streaming: unless(null),
  input_examples: verbatim,
  input_schema: verbatim,
  strict: unless(false),
  type: unless(null, "custom")
}

const toolChoice: Fields = { disable_parallel_tool_use: unless(false) }

const format: Fields = { schema: verbatim }

const outputConfig: Fields = { effort: unless(null), format: { has: () => format, ...unless(null) } }

const withoutTools: Fields = {
  betas: { says: (names) => nonEmpty(Array.isArray(names) ? [...new Set(names)].toSorted() : names) },
  cache_control: breakpoint,
  container: unless(null),
  diagnostics: unless(null),
  headers: unless({}),
  inference_geo: unless(null),
  mcp_servers: { says: nonEmpty },
  messages: { has: () => message },
  metadata: { says: () => undefined },
  output_config: { has: () => outputConfig, ...unless({}) },
  output_format: { has: () => format, ...unless(null) },
  service_tier: unless("auto", "standard_only"),
  stop_sequences: { says: nonEmpty },
  stream: unless(false),
  system: { has: () => block, says: (system) => shortest(nonEmpty(system)) },
  tool_choice: { has: () => toolChoice },
  tools: { has: () => tool, says: nonEmpty }
}

const withTools: Fields = { ...withoutTools, tool_choice: { has: () => toolChoice, ...unless({ type: "auto" }) } }

/** Of what has no defaults. */
const none: Fields = {}

/** What a value says, the keys of objects in order. It is read as `JSON.stringify` reads it. */
const said = (given: unknown, fields: Fields): unknown => {
  const value: unknown = Predicate.isObject(given) && Predicate.isFunction(given["toJSON"]) ? given["toJSON"]() : given
  if (Array.isArray(value)) return value.map((item) => said(item, fields))
  if (!Predicate.isObject(value)) return value
  const entries: Array<[string, unknown]> = []
  for (const name of Object.keys(value).toSorted()) {
    const field = fields[name]
    const inner = field?.isVerbatim ? value[name] : said(value[name], field?.has?.() ?? none)
    const meant = field?.says === undefined ? inner : field.says(inner)
    if (meant !== undefined) entries.push([name, meant])
  }
  return Object.fromEntries(entries)
}
