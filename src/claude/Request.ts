/**
 * A request to Claude. A user writes a `Prompt`; a `Request` is a prompt with `model` and `max_tokens` filled in, so
 * that policies and hashes see only resolved requests. The field names are the API's.
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

/** The SDK's non-streaming parameters, with the fields, tools, blocks and settings of the beta API. */
type Params = { readonly [K in keyof Stable]: Stable[K] | (K extends keyof Beta ? Beta[K] : never) } & {
  readonly [K in Exclude<keyof Beta, keyof Stable>]?: Beta[K]
}

/**
 * A resolved request: the SDK's parameters, with two additions. `betas` sends the call through the beta API;
 * `headers` are sent with this call only.
 */
export type Request = Omit<Params, "stream"> & { readonly headers?: Readonly<Record<string, string>> }

/** The argument of a verb: a user message, or a request. `Defaults` fill in a missing `model` or `max_tokens`. */
export type Prompt = string | (Omit<Request, "model" | "max_tokens"> & Partial<Pick<Request, "model" | "max_tokens">>)

/** Values for a prompt without them. */
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

/** Fills in the defaults of the running fiber. */
export const resolve = (prompt: Prompt): Effect.Effect<Request> =>
  Effect.map(Defaults, (defaults) => fill(prompt, defaults))

/** Fills in the given defaults. */
export const fill = (prompt: Prompt, defaults: Defaults): Request =>
  typeof prompt === "string"
    ? { ...defaults, messages: [{ role: "user", content: prompt }] }
    : { ...prompt, model: prompt.model ?? defaults.model, max_tokens: prompt.max_tokens ?? defaults.max_tokens }

/**
 * The canonical form of a request: two requests have the same text exactly when they ask the API for the same thing.
 * The API's own keys are sorted, and a single text block becomes a text. Explicit defaults are left out, and so are
 * fields that cannot change the answer, such as `metadata`, cache breakpoints, and headers for traces and keys. Schemas
 * and arguments of tools keep their order: Claude answers in the order of a schema's properties.
 */
export const canonical = ({ headers, ...request }: Request): string => {
  const asked = headers === undefined ? request : { ...request, headers: relevantHeaders(headers) }
  return JSON.stringify(canonicalValue(asked, nonEmpty(request.tools) === undefined ? withoutTools : withTools))
}

/** SHA-256 of the canonical form, in hexadecimal. */
export const hash = (request: Request): string => Sha256.hex(canonical(request))

/** Whether the request continues a thread or uses a container that the server holds. It cannot be sent twice. */
export const mutatesServerState = ({ container, thread }: Request): boolean =>
  Predicate.isNotNullish(thread) || Predicate.isString(container) || Predicate.isNotNullish(container?.id)

const relevantHeaders = (headers: Readonly<Record<string, string>>) =>
  Record.filter(Record.mapKeys(headers, String.toLowerCase), (_, name) => !ignoredHeaders.has(name))

/** Headers that change no answer. Other headers may: Bedrock's guardrails, or a gateway's choice of the model. */
const ignoredHeaders = new Set([
  "authorization",
  "baggage",
  "idempotency-key",
  "traceparent",
  "tracestate",
  "user-agent",
  "x-api-key",
  "x-request-id"
])

/** How one field of the API becomes canonical. */
interface Field {
  /** The canonical value; `undefined` where the value means the same as no field. */
  readonly normalize?: (value: unknown) => unknown
  /** The fields of the object in it, or of the objects in its list. */
  readonly fields?: () => Fields
  /** The value belongs to the program: it stays as it is, with the order of its keys. */
  readonly isVerbatim?: true
}

type Fields = { readonly [name: string]: Field }

const unless = (...values: ReadonlyArray<unknown>): Field => {
  const defaults = new Set(values.map((value) => JSON.stringify(value)))
  return { normalize: (value) => (defaults.has(JSON.stringify(value)) ? undefined : value) }
}

const nonEmpty = (value: unknown) => (value === "" || (Array.isArray(value) && value.length === 0) ? undefined : value)

/** A single text block without other fields means the same as its text. */
const shortest = (content: unknown): unknown => {
  if (!Array.isArray(content) || content.length !== 1) return content
  const [block]: ReadonlyArray<unknown> = content
  const isBare = Predicate.isObject(block) && block["type"] === "text" && Object.keys(block).length === 2
  return isBare && Predicate.isString(block["text"]) ? block["text"] : content
}

// The defaults of the API's fields, for every model and version. A missing entry costs a call; a wrong one returns the
// answer to another request. Sources: the comments in the SDK's types (1.12), which treat null as an absent field, and
// these pages of platform.claude.com/docs/en:
//   api/service-tiers                            service_tier; the capacity changes the price of an answer, not its text
//   agents-and-tools/tool-use/define-tools       tool_choice where there are tools
//   agents-and-tools/tool-use/handle-tool-calls  is_error
//   agents-and-tools/tool-use/strict-tool-use    strict
//   agents-and-tools/tool-use/tool-search-tool   defer_loading
//   build-with-claude/search-results             citations
// Not here: defaults that depend on the model (`thinking`, `effort`, and `speed`, which some models refuse), on the version
// of the API (`temperature`), on the tool (`allowed_callers`) or on the workspace (`inference_geo`).

const breakpoint = unless(
  null,
  { type: "ephemeral" },
  { ttl: "5m", type: "ephemeral" },
  { ttl: "1h", type: "ephemeral" }
)

const citations = unless(null, {}, { enabled: false })

const verbatim: Field = { isVerbatim: true }

/** A block of content, or a block inside one. */
const block: Fields = {
  cache_control: breakpoint,
  citations,
  content: { fields: () => block },
  context: unless(null),
  input: verbatim,
  is_error: unless(false),
  source: { fields: () => source },
  title: unless(null),
  transformations: unless(null, {}, { oversized_image: "downsize" })
}

const source: Fields = { content: { fields: () => block } }

const message: Fields = { content: { fields: () => block, normalize: shortest } }

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

const outputConfig: Fields = { effort: unless(null), format: { fields: () => format, ...unless(null) } }

const withoutTools: Fields = {
  betas: { normalize: (names) => nonEmpty(Array.isArray(names) ? [...new Set(names)].toSorted() : names) },
  cache_control: breakpoint,
  container: unless(null),
  diagnostics: unless(null),
  headers: unless({}),
  inference_geo: unless(null),
  mcp_servers: { normalize: nonEmpty },
  messages: { fields: () => message },
  metadata: { normalize: () => undefined },
  output_config: { fields: () => outputConfig, ...unless({}) },
  output_format: { fields: () => format, ...unless(null) },
  service_tier: unless("auto", "standard_only"),
  stop_sequences: { normalize: nonEmpty },
  stream: unless(false),
  system: { fields: () => block, normalize: (system) => shortest(nonEmpty(system)) },
  tool_choice: { fields: () => toolChoice },
  tools: { fields: () => tool, normalize: nonEmpty }
}

const withTools: Fields = { ...withoutTools, tool_choice: { fields: () => toolChoice, ...unless({ type: "auto" }) } }

/** The fields of an object without defaults. */
const noFields: Fields = {}

/** The canonical form of a value, with sorted keys. It reads a value as `JSON.stringify` does. */
const canonicalValue = (given: unknown, fields: Fields): unknown => {
  const value: unknown = Predicate.isObject(given) && Predicate.isFunction(given["toJSON"]) ? given["toJSON"]() : given
  if (Array.isArray(value)) return value.map((item) => canonicalValue(item, fields))
  if (!Predicate.isObject(value)) return value
  const entries: Array<[string, unknown]> = []
  for (const name of Object.keys(value).toSorted()) {
    const field = fields[name]
    const inner = field?.isVerbatim ? value[name] : canonicalValue(value[name], field?.fields?.() ?? noFields)
    const normalized = field?.normalize === undefined ? inner : field.normalize(inner)
    if (normalized !== undefined) entries.push([name, normalized])
  }
  return Object.fromEntries(entries)
}
