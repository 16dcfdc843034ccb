/**
 * The billed usage of an answer: tokens in five classes with a price each, web searches, and the facts that decide the
 * price. Thinking tokens are output tokens. Use a sum of usages to report tokens, never to compute a price: the price
 * of a token depends on its answer, so add costs instead.
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

const tokens = {
  input: Schema.Natural,
  output: Schema.Natural,
  cacheWrite5m: Schema.Natural,
  cacheWrite1h: Schema.Natural,
  cacheRead: Schema.Natural
}

/** The five classes of tokens. `input` counts the tokens that do not use the prompt cache. */
export const Tokens = Schema.Struct(tokens)
export type Tokens = typeof Tokens.Type

/** Tokens that are billed in addition to the answer. Without `model`, the rates of the answer's model apply. */
export const Besides = Schema.Struct({ ...tokens, model: Schema.optionalKey(Schema.String) })
export type Besides = typeof Besides.Type

/**
 * The billed usage of one answer, as plain data that persists. `speed`, `serviceTier` and `inferenceGeo` have the API's
 * values.
 */
export const Usage = Schema.Struct({
  ...tokens,
  webSearches: Schema.Natural,
  /** `fast` has separate prices. */
  speed: Schema.optionalKey(Schema.String),
  /** `batch` is half price. */
  serviceTier: Schema.optionalKey(Schema.String),
  /** `us` costs a tenth more. */
  inferenceGeo: Schema.optionalKey(Schema.String),
  /** Compactions, advisors, and models that began an answer and declined, so that a fallback answered. */
  besides: Schema.optionalKey(Schema.Array(Besides)),
  /** What the API reported that this version does not know, such as a new kind of iteration. Then no price is known. */
  unpriced: Schema.optionalKey(Schema.Array(Schema.String))
})
export type Usage = typeof Usage.Type

/** No tokens and no searches. */
export const zero: Usage = { input: 0, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0, webSearches: 0 }

/** Token counts as the API reports them. Each field may be missing, and its value is not checked yet. */
export interface ApiTokens {
  readonly input_tokens?: number | null
  readonly output_tokens?: number | null
  readonly cache_creation_input_tokens?: number | null
  readonly cache_read_input_tokens?: number | null
  readonly cache_creation?: {
    readonly ephemeral_5m_input_tokens?: number | null
    readonly ephemeral_1h_input_tokens?: number | null
  } | null
}

interface ApiIteration extends ApiTokens {
  readonly type: string
  readonly model?: string | null
}

/** The fields that the SDK's `Usage`, `BetaUsage` and the usages of stream events share. */
export interface ApiUsage extends ApiTokens {
  readonly server_tool_use?: { readonly web_search_requests?: number | null } | null
  readonly speed?: string | null
  readonly service_tier?: string | null
  readonly inference_geo?: string | null
  readonly iterations?: ReadonlyArray<ApiIteration> | null
}

interface ApiMessage {
  readonly usage: ApiUsage
  readonly content: ReadonlyArray<unknown>
  readonly stop_reason?: string | null
  readonly stop_details?: { readonly category?: string | null } | null
}

/**
 * Reads the `usage` of a message, also of the beta API. A missing, null or invalid count is 0. A fallback credit is in the
 * counts already, as reads of the cache in place of writes (Anthropic, "Fallback credit", Sep 2026).
 */
export const fromMessage = (usage: ApiUsage): Usage => {
  const { inference_geo: inferenceGeo, iterations, service_tier: serviceTier, speed } = usage
  const entries = Array.isArray(iterations) ? iterations.filter(isIteration) : []
  const besides = besidesOf(entries)
  const unpriced = [...unknownIterations(entries), ...unknownTools(usage.server_tool_use)]
  return {
    ...tokensOf(usage),
    webSearches: countOf(usage.server_tool_use?.web_search_requests),
    ...(isText(speed) && { speed }),
    ...(isText(serviceTier) && { serviceTier }),
    ...(isText(inferenceGeo) && { inferenceGeo }),
    ...(besides.length > 0 && { besides }),
    ...(unpriced.length > 0 && { unpriced })
  }
}

/**
 * Reads the billed usage of a whole message. A refusal before any output reports tokens that are not billed, unless its
 * category is one of three (Anthropic, "Refusals and fallback", Sep 2026).
 */
export const billed = (message: ApiMessage): Usage => {
  const usage = fromMessage(message.usage)
  const { stop_reason: reason, stop_details: details, content } = message
  // Results of batches may lack the details. Then the refusal counts as billed.
  const hasOutput = !content.every(isEmptyText)
  const free = reason === "refusal" && !hasOutput && details && !billedRefusals.has(details.category)
  return free ? { ...usage, ...tokensOf({}) } : usage
}

/** The API opens a text block before it refuses, and leaves it empty. */
const isEmptyText = (block: unknown) =>
  Predicate.isObject(block) && block["type"] === "text" && (block["text"] ?? "") === ""

const billedRefusals: ReadonlySet<string | null | undefined> = new Set(["bio", "frontier_llm", "reasoning_extraction"])

/** Adds the tokens of two usages, including those in `besides`. Drops the facts, because a sum has no single price. */
export const sum = (self: Usage, that: Usage): Usage => {
  const total = { ...zero, webSearches: self.webSearches + that.webSearches }
  for (const part of [self, ...(self.besides ?? []), that, ...(that.besides ?? [])]) {
    total.input += part.input
    total.output += part.output
    total.cacheWrite5m += part.cacheWrite5m
    total.cacheWrite1h += part.cacheWrite1h
    total.cacheRead += part.cacheRead
  }
  return total
}

/** The tokens of the whole prompt: plain, written to the cache and read from it. */
export const totalInput = (part: Tokens): number => part.input + part.cacheWrite5m + part.cacheWrite1h + part.cacheRead

/** Usage is read from failures too, so an invalid count must not throw while a failure is being reported. */
const countOf = (count: unknown): number => (Number.isSafeInteger(count) ? Math.max(0, Number(count)) : 0)
const isIteration = (entry: unknown): entry is ApiIteration => Predicate.hasProperty(entry, "type")
const isText = (fact: unknown): fact is string => Predicate.isString(fact) && fact !== ""

const tokensOf = (usage: ApiTokens): Tokens => {
  const split = usage.cache_creation
  const cacheWrite1h = countOf(split?.ephemeral_1h_input_tokens)
  // In a stream the total may grow after the split was reported. Tokens that the split leaves out are 5-minute writes.
  const unnamed = countOf(usage.cache_creation_input_tokens) - cacheWrite1h
  return {
    input: countOf(usage.input_tokens),
    output: countOf(usage.output_tokens),
    cacheWrite5m: Math.max(countOf(split?.ephemeral_5m_input_tokens), unnamed),
    cacheWrite1h,
    cacheRead: countOf(usage.cache_read_input_tokens)
  }
}

/**
 * The iterations that the totals of a message leave out, because the totals cover only the model that answered. If a
 * `fallback_message` entry names that model, a `message` entry of another model declined, and is billed if it has
 * output. (A decline before any output is billed in the three categories above, but the entry does not contain the
 * category.)
 */
const besidesOf = (iterations: ReadonlyArray<ApiIteration>): ReadonlyArray<Besides> => {
  const fallback = iterations.find((entry) => entry.type === "fallback_message")
  const declined = (entry: ApiIteration) =>
    fallback !== undefined && entry.model && entry.model !== fallback.model && countOf(entry.output_tokens) > 0
  return iterations
    .filter((entry) =>
      entry.type === "message" ? declined(entry) : entry.type === "compaction" || entry.type === "advisor_message"
    )
    .map(besideOf)
}

const besideOf = ({ model, ...counts }: ApiIteration): Besides => ({
  ...tokensOf(counts),
  ...(isText(model) && { model })
})

const iterationTypes = new Set(["message", "fallback_message", "compaction", "advisor_message"])

const unknownIterations = (iterations: ReadonlyArray<ApiIteration>): ReadonlyArray<string> => [
  ...new Set(iterations.flatMap(({ type }) => (iterationTypes.has(type) ? [] : isText(type) ? type : "iteration")))
]

/** Searches have a price. Fetches, and searches for tools, cost only tokens. */
const toolRequests = new Set(["web_search_requests", "web_fetch_requests", "tool_search_requests"])

const unknownTools = (requests: ApiUsage["server_tool_use"]): ReadonlyArray<string> =>
  Object.entries(requests ?? {}).flatMap(([name, count]) =>
    toolRequests.has(name) || countOf(count) === 0 ? [] : name
  )
