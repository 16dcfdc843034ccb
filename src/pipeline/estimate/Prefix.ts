/**
 * What the calls of a job read from the prompt cache and write to it: prefixes that several sampled calls share are
 * written once and read by all others; a prefix of one sampled call is written by every call like it. Pure.
 */
import * as Models from "../../claude/Models.ts"
import * as PromptBlocks from "../../claude/PromptBlocks.ts"
import type { Request } from "../../claude/Request.ts"
import * as TokenEstimate from "../../claude/TokenEstimate.ts"

/** The tokens of a prompt that one call reads and writes; the rest is plain input. */
export interface Use {
  readonly read: number
  readonly write: { readonly [ttl in Models.CacheTtl]: number }
}

/** The use of each call, in order, and the writes that happen once for all of them. */
export interface Uses {
  readonly calls: ReadonlyArray<Use>
  readonly once: ReadonlyArray<{ readonly model: string; readonly ttl: Models.CacheTtl; readonly tokens: number }>
}

/** `factorOf` turns estimated tokens of a call into real ones. */
export const uses = (requests: ReadonlyArray<Request>, factorOf: (index: number) => number): Uses => {
  const all = requests.map((request, index) =>
    PromptBlocks.entries(request)
      .map(({ end, key, ttl }) => ({ key, ttl, tokens: factorOf(index) * prefixTokens(request, end) }))
      .filter(({ tokens }) => tokens >= Models.minCacheTokens(request.model))
  )
  const sharers = new Map<string, number>()
  for (const { key } of all.flat()) sharers.set(key, (sharers.get(key) ?? 0) + 1)
  const isShared = ({ key }: { readonly key: string }) => (sharers.get(key) ?? 0) > 1
  const once = new Map<string, Uses["once"][number]>()
  const calls = all.map((entries, index): Use => {
    const model = requests[index]?.model ?? ""
    let before = 0
    const read = entries.findLast(isShared)?.tokens ?? 0
    const write = { "5m": 0, "1h": 0 }
    for (const entry of entries) {
      if (isShared(entry)) once.set(entry.key, { model, ttl: entry.ttl, tokens: entry.tokens - before })
      else write[entry.ttl] += entry.tokens - before
      before = entry.tokens
    }
    return { read, write }
  })
  return { calls, once: [...once.values()] }
}

const prefixTokens = (request: Request, end: PromptBlocks.Block): number =>
  TokenEstimate.of(PromptBlocks.upTo(request, end))
