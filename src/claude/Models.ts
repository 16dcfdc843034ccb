/**
 * The models that the SDK names: their limits and their prices. Ids are matched whole, never by prefix: a prefix would
 * price one model as another, and an id of Bedrock or Vertex has its own price list. A model that is not listed has no
 * price.
 */
import * as BigDecimal from "effect/BigDecimal"

/** US dollars per million tokens. */
export interface Rates {
  readonly input: BigDecimal.BigDecimal
  readonly output: BigDecimal.BigDecimal
  readonly cacheWrite5m: BigDecimal.BigDecimal
  readonly cacheWrite1h: BigDecimal.BigDecimal
  readonly cacheRead: BigDecimal.BigDecimal
}

/** The price of a model from a day on (UTC); without `from`, since its release. */
export interface Price {
  readonly from?: string
  readonly standard: Rates
  /** The rates for the whole request if its prompt (input, cache reads and cache writes) has more tokens than this. */
  readonly above?: { readonly tokens: number; readonly rates: Rates }
  /** For `speed: "fast"`, where the model has it. */
  readonly fast?: Rates
}

/** A model, by one of its ids. */
export interface Model {
  readonly id: string
  /** The context window. */
  readonly maxInputTokens: number
  /** The largest `max_tokens`. */
  readonly maxOutputTokens: number
  /** The shortest prefix of a prompt that can be cached, in tokens. */
  readonly minCacheTokens?: number
  /** Oldest first; empty where no price is published. */
  readonly prices: ReadonlyArray<Price>
  /** The day on which the API stops serving it, where announced. */
  readonly retires?: string
}

/** In the order of the columns on Anthropic's pricing page, but output second. */
const rates = (
  input: string,
  output: string,
  cacheWrite5m: string,
  cacheWrite1h: string,
  cacheRead: string
): Rates => ({
  input: BigDecimal.fromStringUnsafe(input),
  output: BigDecimal.fromStringUnsafe(output),
  cacheWrite5m: BigDecimal.fromStringUnsafe(cacheWrite5m),
  cacheWrite1h: BigDecimal.fromStringUnsafe(cacheWrite1h),
  cacheRead: BigDecimal.fromStringUnsafe(cacheRead)
})

// Cache rates of fast mode are derived: "prompt caching multipliers apply on top of fast mode pricing" (Anthropic
// pricing page, Sep 2026). All other figures are listed as such by the source named with them.

// pi-ai 1.6.0, 20 Nov 2026; cache writes: rightsize 0.10.2, which checks the pricing page, Nov 2026; fast: an article
// on Qiita about the official documents as of 12 Nov 2026.
const fable52: ReadonlyArray<Price> = [
  { standard: rates("8", "40", "10", "16", "0.20"), fast: rates("16", "80", "20", "32", "0.40") }
]

// Anthropic pricing page, Sep 2026 (Fable and Mythos have a row each, with the same figures).
const fable51: ReadonlyArray<Price> = [{ standard: rates("10", "50", "12.50", "20", "0.25") }]
const fable5: ReadonlyArray<Price> = [{ standard: rates("10", "50", "12.50", "20", "1.00") }]

// Anthropic model page of Opus 5.5, Sep 2026; fast: Anthropic fast mode page, Sep 2026, and claudit 1.9.0, 24 Sep 2026.
const opus55: ReadonlyArray<Price> = [
  { standard: rates("4", "20", "5", "8", "0.20"), fast: rates("8", "40", "10", "16", "0.40") }
]

// Anthropic pricing page, Sep 2026.
const opus = rates("5", "25", "6.25", "10", "0.50")

// Fast: Anthropic fast mode page, Sep 2026.
const opus5: ReadonlyArray<Price> = [{ standard: opus, fast: rates("10", "50", "12.50", "20", "1.00") }]

// Fast: Anthropic fast mode page, May 2026. Opus 4.7 lost it in July 2026; Opus 4.6 now answers at standard speed.
const opusFast = rates("30", "150", "37.50", "60", "3.00")
const opus47: ReadonlyArray<Price> = [{ standard: opus, fast: opusFast }]

// Above 200,000 tokens, until the window of a million tokens left its beta: genai-prices 0.1.8, 23 Sep 2026.
const opus46: ReadonlyArray<Price> = [
  { standard: opus, fast: opusFast, above: { tokens: 200_000, rates: rates("10", "37.50", "12.50", "20", "1.00") } },
  { from: "2026-03-13", standard: opus, fast: opusFast }
]

const opus45: ReadonlyArray<Price> = [{ standard: opus }]

// Anthropic model page of Sonnet 5.5, Sep 2026; from 7 Oct 2026: claudit 1.9.2, read off the pricing page on
// 24 Oct 2026, and pi-ai 1.6.0, 20 Nov 2026.
const sonnet55: ReadonlyArray<Price> = [
  { standard: rates("2", "10", "2.50", "4", "0.20") },
  { from: "2026-10-07", standard: rates("2", "10", "2.50", "4", "0.10") }
]

// Anthropic pricing page, Sep 2026.
const sonnet5: ReadonlyArray<Price> = [{ standard: rates("2", "10", "2.50", "4", "0.20") }]
const sonnet = rates("3", "15", "3.75", "6", "0.30")

// Above 200,000 tokens: genai-prices 0.1.8, 23 Sep 2026. For Sonnet 4.5 the beta with a window of a million tokens ended
// on 30 Apr 2026, so only earlier answers are that long.
const above200k = { tokens: 200_000, rates: rates("6", "22.50", "7.50", "12", "0.60") }
const sonnet45: ReadonlyArray<Price> = [{ standard: sonnet, above: above200k }]
const sonnet46: ReadonlyArray<Price> = [
  { standard: sonnet, above: above200k },
  { from: "2026-03-13", standard: sonnet }
]

// Anthropic model page of Haiku 5.5, Oct 2026; what counts as the prompt: claudit 1.9.2, 24 Oct 2026.
const haiku55: ReadonlyArray<Price> = [
  {
    standard: rates("0.10", "0.50", "0.125", "0.20", "0.01"),
    above: { tokens: 100_000, rates: rates("0.50", "2.50", "0.625", "1.00", "0.05") }
  }
]

// Anthropic pricing page, Sep 2026.
const haiku45: ReadonlyArray<Price> = [{ standard: rates("1", "5", "1.25", "2", "0.10") }]

// Context window and longest answer: Anthropic model pages, Sep and Oct 2026.
const million = { maxInputTokens: 1_000_000, maxOutputTokens: 128_000 }
const small = { maxInputTokens: 200_000, maxOutputTokens: 64_000 }

// Anthropic prompt caching page, Jul 2026 (up to Opus 5), 1 Oct 2026 (5.1 and 5.5) and 8 Oct 2026 (Haiku 5.5), as
// quoted by others; no source has 5.2. Bedrock has different figures. One report measured 2,048 for Sonnet 4.6 (issue 1194
// of anthropic-sdk-python, 2026).
const from512 = { minCacheTokens: 512 }
const from1024 = { minCacheTokens: 1024 }
const from2048 = { minCacheTokens: 2048 }
const from4096 = { minCacheTokens: 4096 }

/** Every model of the SDK's `Model` type (1.14), newest first, once for each of its ids. */
export const all: ReadonlyArray<Model> = [
  { id: "claude-fable-5-2", ...million, prices: fable52 },
  // Mythos 5 and 5.1 cost what Fable of that number does; for 5.2 no source says so.
  { id: "claude-mythos-5-2", ...million, prices: [] },
  { id: "claude-haiku-5-5", ...million, ...from512, prices: haiku55 },
  { id: "claude-sonnet-5-5", ...million, ...from512, prices: sonnet55 },
  { id: "claude-fable-5-1", ...million, ...from512, prices: fable51 },
  { id: "claude-opus-5-5", ...million, ...from512, prices: opus55 },
  { id: "claude-mythos-5-1", ...million, ...from512, prices: fable51 },
  { id: "claude-sonnet-5", ...million, ...from1024, prices: sonnet5 },
  { id: "claude-fable-5", ...million, ...from512, prices: fable5 },
  { id: "claude-mythos-5", ...million, ...from512, prices: fable5 },
  { id: "claude-opus-5", ...million, ...from512, prices: opus5 },
  { id: "claude-opus-4-8", ...million, ...from1024, prices: opus5 },
  { id: "claude-opus-4-7", ...million, ...from2048, prices: opus47 },
  // No price list has it; retired according to the SDK's list of deprecated models.
  { id: "claude-mythos-preview", ...million, ...from2048, prices: [], retires: "2026-06-30" },
  { id: "claude-opus-4-6", ...million, ...from4096, prices: opus46 },
  { id: "claude-sonnet-4-6", ...million, ...from1024, prices: sonnet46 },
  { id: "claude-haiku-4-5", ...small, ...from4096, prices: haiku45 },
  { id: "claude-haiku-4-5-20251001", ...small, ...from4096, prices: haiku45 },
  { id: "claude-opus-4-5", ...small, ...from4096, prices: opus45, retires: "2027-01-22" },
  { id: "claude-opus-4-5-20251101", ...small, ...from4096, prices: opus45, retires: "2027-01-22" },
  { id: "claude-sonnet-4-5", ...small, ...from1024, prices: sonnet45, retires: "2026-11-30" },
  { id: "claude-sonnet-4-5-20250929", ...small, ...from1024, prices: sonnet45, retires: "2026-11-30" }
]

const byId: ReadonlyMap<string, Model> = new Map(all.map((model) => [model.id, model]))

/** The model with exactly this id. */
export const find = (id: string): Model | undefined => byId.get(id)

/** The price that holds at a moment. */
export const priceAt = (model: Model, at: Date): Price | undefined =>
  model.prices.findLast(({ from }) => from === undefined || Date.parse(from) <= at.getTime())

/** If no source states the minimum of a model, we assume that of the other models of its generation. */
const leastCacheTokens = 512

/** The shortest prefix of a prompt that a model caches, in tokens. */
export const minCacheTokens = (id: string): number => find(id)?.minCacheTokens ?? leastCacheTokens

/** How long an entry of the prompt cache lives after its last use, in milliseconds (Anthropic prompt caching page). */
export const cacheLifetimes = { "5m": 5 * 60_000, "1h": 60 * 60_000 } as const

/** The two lifetimes that the API offers. */
export type CacheTtl = keyof typeof cacheLifetimes

/**
 * The name of the group of models that share rate limits: the models of one line and one number, such as
 * `claude-opus-5-5` and `claude-opus-5` (Anthropic, "Rate limits", Oct 2026). An unknown model is a group by itself.
 */
export const limitGroup = (id: string): string => /^claude-[a-z]+-\d+/.exec(id)?.[0] ?? id

/** Whether `tool_choice` may force a call of a tool. An unknown model is taken to accept it. */
export const acceptsForcedTools = (id: string): boolean => !withoutForcedTools.has(id.replace(/-\d{8}$/, ""))

/** Anthropic, release notes, Sep 2026, and the model pages since then. */
const withoutForcedTools: ReadonlySet<string> = new Set([
  "claude-fable-5-1",
  "claude-mythos-5-1",
  "claude-fable-5-2",
  "claude-mythos-5-2",
  "claude-opus-5-5",
  "claude-sonnet-5-5"
])

/**
 * Whether two ids name the same model: equal ids, or one with a date and the other without, in the spellings of
 * Anthropic, Bedrock and Vertex. Use it to see whether the model that answered is the one that was asked.
 */
export const isSame = (asked: string, answered: string): boolean => {
  if (asked === answered) return true
  const [one, other] = [partsOf(asked), partsOf(answered)]
  if (one === undefined || other === undefined) return false
  return one.name === other.name && (one.date === other.date || one.date === "" || other.date === "")
}

/**
 * `us.anthropic.claude-x-1-20251001-v1:0`, an ARN that ends in it, `claude-x-1@20251001` and `claude-x-1-latest` are
 * all `claude-x-1`.
 */
const partsOf = (id: string) => {
  const found = /^(?:.*[./])?(claude-.+?)(?:[-@](?:(\d{8})|latest|default))?(?:-v\d+(?::\d+)?)?$/.exec(id)
  return found?.[1] === undefined ? undefined : { name: found[1], date: found[2] ?? "" }
}
