/**
 * The prompt cache: which part of a request it reads, which part it writes, and how long an entry lives. An entry is the
 * prefix of a request up to a breakpoint. It is readable once the answer that wrote it has started, or once the batch of
 * that answer has ended: requests of one batch do not read what others of it write.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Models from "../../../claude/Models.ts"
import * as Sha256 from "../../../claude/Sha256.ts"
import * as Segments from "../request/Segments.ts"

/** The tokens of a prompt: plain, written to the cache, and read from it. They add up to the whole prompt. */
export interface Input {
  readonly input_tokens: number
  readonly cache_creation_input_tokens: number
  readonly cache_read_input_tokens: number
  readonly cache_creation: {
    readonly ephemeral_5m_input_tokens: number
    readonly ephemeral_1h_input_tokens: number
  }
}

interface Entry {
  readonly lifetime: number
  readonly from: number
  until: number
}

/** How many prefixes are looked up at each breakpoint: the one that ends there, and the ones before. */
const lookBack = 20

/** An empty cache. Its entries are readable `delay` milliseconds after they were written. */
export const make = (delay: number) => {
  const entries = new Map<string, Entry>()
  let sweepAt = 1024

  const find = (key: string, now: number): Entry | undefined => {
    const entry = entries.get(key)
    return entry !== undefined && entry.from <= now && now < entry.until ? entry : undefined
  }

  const write = (key: string, ttl: Models.CacheTtl, now: number, readableFrom: number): void => {
    if (entries.size >= sweepAt) {
      for (const [old, { until }] of entries) if (until <= now) entries.delete(old)
      sweepAt = Math.max(1024, 2 * entries.size)
    }
    const pending = entries.get(key)
    const from = pending !== undefined && now < pending.until ? Math.min(pending.from, readableFrom) : readableFrom
    entries.set(key, { lifetime: Models.cacheLifetimes[ttl], from, until: now + Models.cacheLifetimes[ttl] })
  }

  const look = (model: string, segments: ReadonlyArray<Segments.Segment>, now: number) => {
    const least = Models.minCacheTokens(model)
    const prefixes = prefixesOf(model, segments)
    const breakpoints = prefixes.flatMap(({ breakpoint: ttl, ...prefix }) =>
      ttl === undefined || prefix.tokens < least ? [] : [{ ...prefix, ttl }]
    )
    const window = (last: number) => prefixes.slice(Math.max(0, last - lookBack + 1), last + 1)
    let read: Prefix | undefined
    for (const { at } of breakpoints.toReversed()) {
      read ??= window(at).findLast(({ key }) => find(key, now) !== undefined)
    }
    const readUpTo = read?.at ?? -1
    const written = breakpoints.filter(({ at }) => at > readUpTo)
    const created = { "5m": 0, "1h": 0 }
    let cached = read?.tokens ?? 0
    for (const { tokens, ttl } of written) {
      created[ttl] += tokens - cached
      cached = tokens
    }
    const input: Input = {
      input_tokens: Segments.count(segments) - cached,
      cache_creation_input_tokens: created["5m"] + created["1h"],
      cache_read_input_tokens: read?.tokens ?? 0,
      cache_creation: { ephemeral_5m_input_tokens: created["5m"], ephemeral_1h_input_tokens: created["1h"] }
    }
    const use = (readableFrom: number) => {
      for (const { key, ttl } of written) write(key, ttl, now, readableFrom)
      for (const { key } of prefixes.slice(0, readUpTo + 1)) {
        const entry = find(key, now)
        if (entry !== undefined) entry.until = now + entry.lifetime
      }
    }
    return { input, use }
  }

  /**
   * Reads and writes at the breakpoints of a request, unless the request is not admitted with that input. What it writes
   * is readable from its first token, or from the given time.
   */
  return <E = never>(
    model: string,
    segments: ReadonlyArray<Segments.Segment>,
    admit: (input: Input) => Effect.Effect<void, E> = () => Effect.void,
    readableFrom?: number
  ): Effect.Effect<Input, E> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const { input, use } = look(model, segments, now)
      return Effect.map(admit(input), () => {
        use(readableFrom ?? now + delay)
        return input
      })
    })
}

interface Prefix {
  readonly at: number
  readonly key: string
  /** Of the whole prefix. */
  readonly tokens: number
  readonly breakpoint: Models.CacheTtl | undefined
}

/** The prefixes up to the last breakpoint; without one, none has to be hashed. */
const prefixesOf = (model: string, segments: ReadonlyArray<Segments.Segment>): ReadonlyArray<Prefix> => {
  const end = segments.findLastIndex(({ breakpoint }) => breakpoint !== undefined) + 1
  let key = model
  let total = 0
  return segments.slice(0, end).map(({ breakpoint, key: own, tokens }, at) => {
    key = Sha256.hex(key + JSON.stringify(own))
    total += tokens
    return { at, key, tokens: total, breakpoint }
  })
}
