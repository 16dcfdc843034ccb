/**
 * Computes the cost of an answer in US dollars, as an exact decimal. `undefined` means that no price is known: do not
 * treat it as zero. The cost excludes charges by time (code execution containers, beyond the hours that are free).
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Dollars from "./Dollars.ts"
import * as Iterations from "./Iterations.ts"
import * as Models from "./Models.ts"
import * as PromptBlocks from "./PromptBlocks.ts"
import { isBilled, type Message, type Reply } from "./Reply.ts"
import type { Request } from "./Request.ts"
import type { ServiceTier } from "./ServiceTier.ts"
import * as Usage from "./Usage.ts"

const zero = BigDecimal.fromBigInt(0n)

/** Rates are for a million tokens. */
const millionth = BigDecimal.make(1n, 6)

/** The Message Batches API: half, for every class of tokens (Anthropic pricing page, Sep 2026). */
const batchFactor = BigDecimal.make(5n, 1)

/** Inference in the US only: 1.1 times, for every class of tokens (Anthropic pricing page, Sep 2026). */
const usFactor = BigDecimal.make(11n, 1)

/**
 * $10 for 1,000 searches, in batches too (Anthropic, "Web search tool", Sep 2026). Fetching pages costs only tokens.
 */
const webSearch = BigDecimal.make(1n, 2)

/**
 * The cost of an answer of `model`, at the prices of the day. Tokens in `besides` have the rates of their own model, by
 * the size of their own prompt. If one part has no known price, the cost is undefined.
 */
export const of = (options: {
  readonly model: string
  readonly usage: Usage.Usage
  readonly at: Date
}): BigDecimal.BigDecimal | undefined => {
  const { model, usage, at } = options
  if (usage.unpriced !== undefined || !hasKnownFacts(usage)) return undefined
  let cost = costAt(ratesFor(model, usage, usage.speed, at), usage)
  for (const part of usage.besides ?? none) {
    const more = costAt(ratesFor(part.model ?? model, part, usage.speed, at), part)
    cost = cost && more && BigDecimal.sum(cost, more)
  }
  if (cost === undefined) return undefined
  if (usage.inferenceGeo === "us") cost = BigDecimal.multiply(cost, usFactor)
  if (usage.serviceTier === "batch") cost = BigDecimal.multiply(cost, batchFactor)
  return usage.webSearches === 0 ? cost : BigDecimal.sum(cost, times(usage.webSearches, webSearch))
}

const none: ReadonlyArray<Usage.Besides> = []

const tokenKinds = ["input", "output", "cacheWrite5m", "cacheWrite1h", "cacheRead"] as const

/** The kinds of usage that have a price. */
export const kinds = [...tokenKinds, "webSearches"] as const

/** The cost of an answer by kind of usage, whose sum is `of`; undefined if no price is known. */
export const byKind = (options: {
  readonly model: string
  readonly usage: Usage.Usage
  readonly at: Date
}): Readonly<Record<(typeof kinds)[number], BigDecimal.BigDecimal>> | undefined => {
  const { at, model, usage } = options
  const total = of(options)
  if (total === undefined) return undefined
  const factor = BigDecimal.multiply(
    usage.inferenceGeo === "us" ? usFactor : one,
    usage.serviceTier === "batch" ? batchFactor : one
  )
  const costs = { input: zero, output: zero, cacheWrite5m: zero, cacheWrite1h: zero, cacheRead: zero }
  for (const part of [{ model, ...usage }, ...(usage.besides ?? none)]) {
    const rates = ratesFor(part.model ?? model, part, usage.speed, at)
    for (const kind of tokenKinds) {
      if (rates === undefined || part[kind] === 0) continue
      const cost = BigDecimal.multiply(times(part[kind], rates[kind]), millionth)
      costs[kind] = BigDecimal.sum(costs[kind], BigDecimal.multiply(cost, factor))
    }
  }
  return { ...costs, webSearches: usage.webSearches === 0 ? zero : times(usage.webSearches, webSearch) }
}

const one = BigDecimal.fromBigInt(1n)

/**
 * Facts that this version cannot price may change the price of every token. Priority Tier is one of them: it is paid in
 * advance, at individually agreed prices.
 */
const hasKnownFacts = ({
  inferenceGeo = "global",
  serviceTier = "standard",
  speed = "standard"
}: Usage.Usage): boolean => tiers.has(serviceTier) && speeds.has(speed) && geographies.has(inferenceGeo)

const tiers = new Set(["standard", "batch"])
const speeds = new Set(["standard", "fast"])
/** `not_available`: models before Claude Opus 4.6 have no choice (Anthropic, "Data residency", 2026). */
const geographies = new Set(["global", "us", "not_available"])

/**
 * The most that one attempt of a request may cost: `inputTokens` at the dearest rate that its breakpoints allow, and
 * `max_tokens`. `undefined` if no price is known, or no bound because the API may iterate within the call. Use
 * `TokenEstimate.bound` for the tokens. Without `inference_geo: "global"` the workspace may choose the US, so the bound
 * includes that surcharge. It includes every price of the next day, too, because a call or a batch may end under it.
 */
export const bound = (options: {
  readonly request: Request
  readonly inputTokens: number
  readonly serviceTier: ServiceTier
  readonly at: Date
}): BigDecimal.BigDecimal | undefined => {
  const { at, inputTokens, request, serviceTier } = options
  if (Iterations.areMany(request)) return undefined
  const usage: Usage.Usage = {
    ...Usage.zero,
    [dearestInput(request)]: inputTokens,
    output: request.max_tokens,
    serviceTier,
    inferenceGeo: request.inference_geo === "global" ? "global" : "us",
    ...(request.speed === "fast" && { speed: "fast" })
  }
  const [today, tomorrow] = [at.getTime(), at.getTime() + millisPerDay].map((time) =>
    of({ model: request.model, usage, at: new Date(time) })
  )
  return today && tomorrow && BigDecimal.max(today, tomorrow)
}

/** Tokens behind a breakpoint may be written to the prompt cache, which costs more than plain input. */
const dearestInput = (request: Request): keyof Usage.Tokens => {
  const breakpoints = new Set(PromptBlocks.read(request).flatMap(({ breakpoints }) => breakpoints))
  return breakpoints.has("1h") ? "cacheWrite1h" : breakpoints.has("5m") ? "cacheWrite5m" : "input"
}

/**
 * The amount that the prompt cache saved: the cost if the whole prompt were plain input, minus the real cost. It is
 * negative if writing to the cache cost more than reading from it saved.
 */
export const saved = (options: {
  readonly model: string
  readonly usage: Usage.Usage
  readonly at: Date
}): BigDecimal.BigDecimal | undefined => savedOf(options, of(options))

const savedOf = (
  options: { readonly model: string; readonly usage: Usage.Usage; readonly at: Date },
  cost: BigDecimal.BigDecimal | undefined
): BigDecimal.BigDecimal | undefined => {
  const { usage } = options
  const { besides } = usage
  if (cost === undefined || ![usage, ...(besides ?? none)].some(usesCache)) return cost && zero
  const uncached = of({
    ...options,
    usage: { ...withoutCache(usage), ...(besides && { besides: besides.map(withoutCache) }) }
  })
  return uncached && BigDecimal.subtract(uncached, cost)
}

const usesCache = (tokens: Usage.Tokens): boolean => tokens.cacheWrite5m + tokens.cacheWrite1h + tokens.cacheRead > 0

const withoutCache = <T extends Usage.Tokens>(tokens: T): T => ({
  ...tokens,
  input: Usage.totalInput(tokens),
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  cacheRead: 0
})

/** The bill of one answer: its usage, its cost, and the amount that the prompt cache saved, in US dollars. */
export interface Bill {
  readonly usage: Usage.Usage
  readonly cost: BigDecimal.BigDecimal | undefined
  readonly saved: BigDecimal.BigDecimal | undefined
}

/** What a direct call would have cost more than this one in a batch, in US dollars: as much again as its tokens. */
export const batchSaved = ({ cost, usage }: Pick<Bill, "cost" | "usage">): BigDecimal.BigDecimal =>
  cost === undefined || usage.serviceTier !== "batch"
    ? zero
    : BigDecimal.subtract(cost, times(usage.webSearches, webSearch))

/** Prices change at the beginning of a day, UTC. */
const millisPerDay = 86_400_000

const bills = new WeakMap<Message, { readonly day: number; readonly bill: Bill }>()

/**
 * The bill of a whole message. It is computed once for each message and day, and then reused by all policies and verbs.
 * The message must be complete: a later change does not update the bill.
 */
export const bill = (message: Message, at: Date): Bill => {
  const day = Math.floor(at.getTime() / millisPerDay)
  const known = bills.get(message)
  if (known?.day === day) return known.bill
  const { model } = message
  const usage = Usage.billed(message)
  const bill = billOf({ model, usage, at })
  bills.set(message, { day, bill })
  return bill
}

/** The bill of a usage, such as one that an error carries. */
export const billOf = (options: { readonly model: string; readonly usage: Usage.Usage; readonly at: Date }): Bill => {
  const cost = of(options)
  return { usage: options.usage, cost, saved: savedOf(options, cost) }
}

/** The cost that is billed now: zero for an answer from a cache or a journal. */
export const billed = ({ message, origin }: Reply, at: Date): BigDecimal.BigDecimal | undefined =>
  isBilled(origin) ? bill(message, at).cost : zero

/** The sum of costs; undefined if one of them is unknown. */
export const sum = (costs: Iterable<BigDecimal.BigDecimal | undefined>): BigDecimal.BigDecimal | undefined => {
  let total = zero
  for (const cost of costs) {
    if (cost === undefined) return undefined
    total = BigDecimal.sum(total, cost)
  }
  return total
}

/**
 * Writes a cost as `$12.35`. Below one dollar it has at least four decimals, and more if two significant digits need
 * them: `$0.0123`, `$0.000013`. Rounds to the nearest value.
 */
export const format = (cost: BigDecimal.BigDecimal | undefined): string =>
  cost === undefined ? "no known price" : Dollars.format(cost)

const ratesFor = (id: string, tokens: Usage.Tokens, speed: string | undefined, at: Date): Models.Rates | undefined => {
  const model = Models.find(id)
  const price = model && Models.priceAt(model, at)
  if (price === undefined) return undefined
  const isLong = price.above !== undefined && Usage.totalInput(tokens) > price.above.tokens
  // No source has the rates of fast mode for a long prompt, where long prompts cost more.
  if (speed === "fast") return isLong ? undefined : price.fast
  return isLong ? price.above.rates : price.standard
}

const costAt = (rates: Models.Rates | undefined, tokens: Usage.Tokens): BigDecimal.BigDecimal | undefined => {
  if (rates === undefined) return undefined
  let cost = BigDecimal.sum(times(tokens.input, rates.input), times(tokens.output, rates.output))
  if (usesCache(tokens)) {
    cost = BigDecimal.sumAll([
      cost,
      times(tokens.cacheWrite5m, rates.cacheWrite5m),
      times(tokens.cacheWrite1h, rates.cacheWrite1h),
      times(tokens.cacheRead, rates.cacheRead)
    ])
  }
  return BigDecimal.multiply(cost, millionth)
}

const times = (count: number, price: BigDecimal.BigDecimal): BigDecimal.BigDecimal =>
  BigDecimal.multiply(BigDecimal.fromBigInt(BigInt(count)), price)
