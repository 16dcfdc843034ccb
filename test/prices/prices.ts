/**
 * `npm run prices`: compares our table of prices with the tables of two other packages, and prices some usages with each.
 * Prints the differences with their reasons, and exits with 1 if a difference is new or gone.
 */
import { calcPrice, extractUsage, findProvider } from "@pydantic/genai-prices"
import * as BigDecimal from "effect/BigDecimal"
import { readFileSync } from "node:fs"
import * as Cost from "../../src/claude/Cost.ts"
import * as Models from "../../src/claude/Models.ts"
import * as Usage from "../../src/claude/Usage.ts"
import { differences } from "./differences.ts"
import { usages } from "./usages.ts"

/** The days of the comparison: of a price that has ended, and of the last look at the packages. */
const days = [new Date("2026-03-01"), new Date("2026-11-28")] as const
const [, today] = days

/** Numbers by their name, such as `input`, and `input > 100000` for prompts with more tokens. */
type Row = Readonly<Record<string, number>>

const suffixed = (row: Row, tokens: number): Row =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [`${name} > ${tokens}`, value]))

const ours = (model: Models.Model, at: Date): Row | undefined => {
  const { maxInputTokens, maxOutputTokens } = model
  const price = Models.priceAt(model, at)
  if (price === undefined) return undefined
  const above = price.above && suffixed(numbers(price.above.rates), price.above.tokens)
  return { ...numbers(price.standard), ...above, maxInputTokens, maxOutputTokens }
}

const numbers = (rates: Models.Rates): Row =>
  Object.fromEntries(Object.entries(rates).map(([name, rate]) => [name, BigDecimal.toNumberUnsafe(rate)]))

const piFile = new URL("./node_modules/@earendil-works/pi-ai/dist/providers/data/anthropic.json", import.meta.url)
const piModels = JSON.parse(readFileSync(piFile, "utf8"))["anthropic-messages"]

const piAi = (id: string): Row | undefined => {
  const model = piModels[`chat:${id}`]
  if (model === undefined) return undefined
  const { tiers = [], ...standard } = model.cost
  const above = tiers.map((tier: any) => suffixed(piRates(tier), tier.inputTokensAbove))
  const limits = { maxInputTokens: model.contextWindow, maxOutputTokens: model.maxTokens }
  return Object.assign({}, piRates(standard), ...above, limits)
}

const piRates = ({ cacheRead, cacheWrite, input, output }: any): Row => ({
  input,
  output,
  cacheWrite5m: cacheWrite,
  cacheRead
})

const genaiNames: Readonly<Record<string, string>> = {
  input_mtok: "input",
  output_mtok: "output",
  cache_write_mtok: "cacheWrite5m",
  cache_write_1h_mtok: "cacheWrite1h",
  cache_read_mtok: "cacheRead"
}

const genaiPrices = (id: string, at: Date): Row | undefined => {
  const found = calcPrice({ input_tokens: 0, output_tokens: 0 }, id, { providerId: "anthropic", timestamp: at })
  if (found === null) return undefined
  const row: Record<string, number> = { maxInputTokens: found.model.context_window ?? NaN }
  for (const [field, price] of Object.entries(found.model_price)) {
    const name = genaiNames[field]
    if (name === undefined || price === undefined) continue
    row[name] = typeof price === "number" ? price : price.base
    for (const tier of typeof price === "number" ? [] : price.tiers) row[`${name} > ${tier.start}`] = tier.price
  }
  return row
}

/** The differences of a model. A field that only our table has is none, because neither package has all fields. */
const compare = (name: string, id: string, left: Row | undefined, right: Row | undefined): ReadonlyArray<string> => {
  if (left === undefined && right === undefined) return []
  const price = (row: Row | undefined) => (row === undefined ? "no price" : "a price")
  if (left === undefined || right === undefined) return [`${name} ${id}: ${price(left)}, there ${price(right)}`]
  return Object.entries(right).flatMap(([field, value]) =>
    left[field] === value ? [] : [`${name} ${id} ${field}: ${left[field] ?? "nothing"}, there ${value}`]
  )
}

const rows = Models.all.flatMap((model) => [
  ...compare("pi-ai", model.id, ours(model, today), piAi(model.id)),
  ...days.flatMap((day) => compare("genai-prices", model.id, ours(model, day), genaiPrices(model.id, day)))
])

const genaiCost = (model: string, usage: Usage.ApiUsage): number | undefined => {
  const provider = findProvider({ providerId: "anthropic" })
  if (provider === undefined) throw new Error("genai-prices has no provider anthropic")
  return calcPrice(extractUsage(provider, { model, usage }).usage, model, { provider, timestamp: today })?.total_price
}

const dollars = (cost: number | undefined) => (cost === undefined ? "no price" : `$${Number(cost.toPrecision(12))}`)

const costs = usages.flatMap(({ model, name, usage }) => {
  const cost = Cost.of({ model, usage: Usage.fromMessage(usage), at: today })
  const [left, right] = [dollars(cost && BigDecimal.toNumberUnsafe(cost)), dollars(genaiCost(model, usage))]
  return left === right ? [] : [`genai-prices ${name}: ${left}, there ${right}`]
})

const found = new Set([...rows, ...costs])
const known = new Set(Object.values(differences).flat())
for (const [reason, lines] of Object.entries(differences)) {
  console.log(`\n${reason}`)
  for (const line of lines) if (found.has(line)) console.log(`  ${line}`)
}
const added = [...found].filter((line) => !known.has(line))
const gone = [...known].filter((line) => !found.has(line))
console.log(`\n${Models.all.length} models, ${usages.length} usages: ${found.size} differences`)
for (const line of added) console.log(`new:  ${line}`)
for (const line of gone) console.log(`gone: ${line}`)
if (added.length + gone.length > 0) {
  console.log("Find out which table is right, then correct src/claude/Models.ts or test/prices/differences.ts.")
  process.exitCode = 1
}
