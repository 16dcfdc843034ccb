/**
 * The money and the tokens of a job: by step and model, by kind of token, and what batches and caches have saved. Costs are
 * exact decimals in US dollars.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Schema from "effect/Schema"
import * as Cost from "../../claude/Cost.ts"
import { isBilled } from "../../claude/Reply.ts"
import * as Usage from "../../claude/Usage.ts"
import * as Bounded from "./Bounded.ts"
import type { Attempt, Call } from "./RowLog.ts"

const Dollars = Schema.BigDecimalFromString

/** Calls that were billed, and their cost; `unpriced` is the number of those without a known price. */
export const Spent = Schema.Struct({ calls: Schema.Int, cost: Dollars, unpriced: Schema.Int })

/** Calls that cost less, and the price that they would have had besides. */
export const Saved = Schema.Struct({ calls: Schema.Int, saved: Dollars, unpriced: Schema.Int })
export type Saved = typeof Saved.Type

/** What a job was billed, and what it saved. */
export const Money = Schema.Struct({
  /** What calls of a step and a model were billed, directly and as batches; the dearest first. */
  steps: Schema.Array(
    Schema.Struct({
      step: Schema.String,
      model: Schema.String,
      direct: Spent,
      batch: Spent,
      /** Bills of attempts that gave no reply. They are part of `direct`. */
      withoutReply: Spent,
      tokens: Usage.Tokens
    })
  ),
  /** Tokens by kind, or searches, and their cost, of the calls with a known price. */
  kinds: Schema.Array(Schema.Struct({ kind: Schema.Literals(Cost.kinds), count: Schema.Int, cost: Dollars })),
  savings: Schema.Struct({
    batches: Saved,
    /** Calls that read the prompt cache. Negative if writing it cost more. */
    promptCache: Schema.Struct({ ...Saved.fields, read: Schema.Int, written: Schema.Int }),
    responseCache: Saved
  })
})
export type Money = typeof Money.Type

type Draft<A> = { -readonly [K in keyof A]: A[K] }

const zero = BigDecimal.fromBigInt(0n)
const nothing = (): Draft<Saved> => ({ calls: 0, saved: zero, unpriced: 0 })

interface Group {
  direct: typeof Spent.Type
  batch: typeof Spent.Type
  withoutReply: typeof Spent.Type
  tokens: Usage.Usage
}

const unspent = { calls: 0, cost: zero, unpriced: 0 }

const spend = ({ calls, cost, unpriced }: typeof Spent.Type, more: BigDecimal.BigDecimal | undefined) => ({
  calls: calls + 1,
  cost: more === undefined ? cost : BigDecimal.sum(cost, more),
  unpriced: more === undefined ? unpriced + 1 : unpriced
})

const save = (draft: Draft<Saved>, price: BigDecimal.BigDecimal | undefined) => {
  draft.calls += 1
  if (price === undefined) draft.unpriced += 1
  else draft.saved = BigDecimal.sum(draft.saved, price)
}

export const make = () => {
  const steps = Bounded.groups((): Group => ({
    direct: unspent,
    batch: unspent,
    withoutReply: unspent,
    tokens: Usage.zero
  }))
  const kinds = new Map(Cost.kinds.map((kind) => [kind, { count: 0, cost: zero }]))
  const batches = nothing()
  const responseCache = nothing()
  const promptCache = { ...nothing(), read: 0, written: 0 }

  const group = (path: string, model: string) => steps.of(JSON.stringify([path, model]))
  const bill = (group: Group, model: string, usage: Usage.Usage, at: Date) => {
    group.tokens = Usage.sum(group.tokens, usage)
    const costs = Cost.byKind({ model, usage, at })
    const counts = Usage.sum(usage, Usage.zero)
    for (const [kind, total] of kinds) {
      total.count += counts[kind]
      if (costs !== undefined) total.cost = BigDecimal.sum(total.cost, costs[kind])
    }
  }
  return {
    call: ({ bill: { cost, saved, usage }, model, origin, path }: Call, at: Date) => {
      if (!isBilled(origin)) return save(responseCache, cost)
      const place = group(path, model)
      if (origin === "batch") {
        place.batch = spend(place.batch, cost)
        save(batches, cost && Cost.batchSaved({ cost, usage }))
      } else place.direct = spend(place.direct, cost)
      bill(place, model, usage, at)
      if (usage.cacheRead > 0) save(promptCache, saved)
      else if (saved !== undefined) promptCache.saved = BigDecimal.sum(promptCache.saved, saved)
      promptCache.read += usage.cacheRead
      promptCache.written += usage.cacheWrite5m + usage.cacheWrite1h
    },
    attempt: ({ cost, model, path, usage }: Attempt, at: Date) => {
      if (usage === undefined) return
      const place = group(path, model)
      place.direct = spend(place.direct, cost)
      place.withoutReply = spend(place.withoutReply, cost)
      bill(place, model, usage, at)
    },
    result: (): Money => ({
      steps: steps
        .entries()
        .map(([name, { tokens, ...spent }]) => ({ ...nameOf(name), ...spent, tokens: tokensOf(tokens) }))
        .toSorted((one, other) => BigDecimal.Order(total(other), total(one))),
      kinds: Array.from(kinds, ([kind, total]) => ({ kind, ...total })).filter(({ count }) => count > 0),
      savings: { batches, promptCache, responseCache }
    })
  }
}

const total = ({ batch, direct }: Pick<Group, "batch" | "direct">) => BigDecimal.sum(batch.cost, direct.cost)

const decodeName = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Tuple([Schema.String, Schema.String])))

const nameOf = (name: string) => {
  const [step, model] = name === Bounded.others ? [Bounded.others, ""] : decodeName(name)
  return { step, model }
}

const tokensOf = ({ cacheRead, cacheWrite1h, cacheWrite5m, input, output }: Usage.Tokens): Usage.Tokens => ({
  input,
  output,
  cacheWrite5m,
  cacheWrite1h,
  cacheRead
})
