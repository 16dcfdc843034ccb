/**
 * A request as the prompt cache sees it: its blocks in the order tools, system, messages, with the breakpoints on them.
 * Tokens are counted block by block, so that what is cached and what is not add up to the whole.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Models from "../../../claude/Models.ts"
import * as TokenEstimate from "../../../claude/TokenEstimate.ts"
import type { ApiError } from "../wire/ApiError.ts"
import type { Fields } from "./Prompt.ts"
import * as Prompt from "./Prompt.ts"
import { decode, refuse, required, shouldBe } from "../wire/Refusal.ts"
import * as Tokens from "./Tokens.ts"

/** A block of the request. */
export interface Segment {
  /** Its path, such as `messages.0.content.1`. */
  readonly path: string
  /** Requests share a prefix as far as these are the same. */
  readonly key: unknown
  readonly tokens: number
  /** Set on the last block of a prefix that the request asks to cache. */
  readonly breakpoint: Models.CacheTtl | undefined
}

const CacheControl = Schema.Struct({
  type: Schema.Literal("ephemeral").annotate(shouldBe("'ephemeral'")).annotateKey(required),
  ttl: Schema.optionalKey(Schema.Literals(["5m", "1h"]).annotate(shouldBe("'5m' or '1h'")))
})

const decodeCacheControl = decode(CacheControl)

/** The tokens of a message beyond its text. */
const tokensOfTurn = 4

/**
 * The tokens that the API adds behind the last block. No breakpoint covers them, so they are always plain input.
 * Recorded: 3 to 10 tokens. The first message counts this many fewer, so totals stay the same.
 */
const tokensOfEnd = 3

/** The blocks of a request; refused where its breakpoints are not allowed. */
export const read = Effect.fnUntraced(function* (fields: Fields): Effect.fn.Return<ReadonlyArray<Segment>, ApiError> {
  const { cache_control, messages, output_config, output_format, system, thinking, tool_choice, tools = [] } = fields
  const segments: Array<Segment> = []
  const add = Effect.fnUntraced(function* (path: string, block: unknown, level: object, tokens: number) {
    const { cache_control: control, ...bare } = Predicate.isObject(block) ? block : { block }
    const breakpoint = yield* readBreakpoint(control, path)
    if (breakpoint !== undefined && bare["text"] === "") {
      return yield* refuse(`${path}: cache_control cannot be set for empty text blocks`)
    }
    segments.push({ path, key: { ...level, block: bare }, tokens, breakpoint })
  })

  for (const [at, tool] of tools.entries()) {
    const { cache_control: _, ...bare } = tool
    yield* add(`tools.${at}`, tool, {}, Tokens.count(JSON.stringify(bare)))
  }
  for (const [at, block] of blocks(system).entries()) {
    yield* add(`system.${at}`, block, { level: "system" }, Prompt.tokensOf(block))
  }
  // The settings come after the system prompt: another choice of tools invalidates the cache behind it.
  const settings = { output_config, output_format, thinking, tool_choice }
  const format = output_config?.format ?? output_format
  // The API writes instructions around a schema. Other settings of the output are not in the prompt.
  let extra = (format ? TokenEstimate.ofSchema(fields.model ?? "", format.schema) : 0) - tokensOfEnd
  for (const [at, { content, role }] of messages.entries()) {
    extra += tokensOfTurn
    for (const [index, block] of blocks(content).entries()) {
      const tokens = extra + Prompt.tokensOf(block)
      yield* add(`messages.${at}.content.${index}`, block, { role, ...settings }, tokens)
      extra = 0
    }
  }
  const automatic = yield* readBreakpoint(cache_control)
  return yield* check(automatic === undefined ? segments : yield* withAutomatic(segments, automatic))
})

/** The input tokens of a request: `count_tokens` answers them and every answer is billed for them. */
export const count = (segments: ReadonlyArray<Segment>): number =>
  segments.reduce((sum, { tokens }) => sum + tokens, tokensOfEnd)

const blocks = (content: Prompt.Content | undefined): ReadonlyArray<unknown> =>
  typeof content === "string" ? (content === "" ? [] : [{ type: "text", text: content }]) : (content ?? [])

const readBreakpoint = (control: unknown, ...path: ReadonlyArray<string>) =>
  control === undefined || control === null
    ? Effect.undefined
    : Effect.map(decodeCacheControl(control, ...path, "cache_control"), ({ ttl = "5m" }): Models.CacheTtl => ttl)

/** `cache_control` of the request itself moves along with the end of the conversation. */
const withAutomatic = (
  segments: ReadonlyArray<Segment>,
  breakpoint: Models.CacheTtl
): Effect.Effect<ReadonlyArray<Segment>, ApiError> => {
  const last = segments.at(-1)
  if (last === undefined || last.breakpoint === breakpoint) return Effect.succeed(segments)
  if (last.breakpoint !== undefined) {
    return refuse("cache_control: the last block already has a cache_control with another ttl")
  }
  return Effect.succeed([...segments.slice(0, -1), { ...last, breakpoint }])
}

const maximum = 4

const check = (segments: ReadonlyArray<Segment>): Effect.Effect<ReadonlyArray<Segment>, ApiError> => {
  const marked = segments.filter(({ breakpoint }) => breakpoint !== undefined)
  if (marked.length > maximum) {
    return refuse(`A maximum of ${maximum} blocks with cache_control may be provided. Found ${marked.length}.`)
  }
  const late = marked.find(({ breakpoint }, at) => breakpoint === "1h" && marked[at - 1]?.breakpoint === "5m")
  if (late === undefined) return Effect.succeed(segments)
  return refuse(
    `${late.path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control ` +
      "block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
  )
}
