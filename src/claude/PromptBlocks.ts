/**
 * The blocks of a request in the order of the API's prompt cache: tools, system, messages. A breakpoint on a block
 * makes the prefix up to this block an entry of the cache.
 */
import * as Predicate from "effect/Predicate"
import * as Models from "./Models.ts"
import type { Request } from "./Request.ts"
import * as Sha256 from "./Sha256.ts"

/** A block of a request. */
export interface Block {
  readonly level: "tools" | "system" | "messages"
  readonly role: "user" | "assistant" | "system"
  /** The index of its message; -1 outside of messages. */
  readonly message: number
  /** Its place among the tools, in the system prompt, or in the message. */
  readonly at: number
  readonly value: object
  /** Whether the prompt up to the end of this block is long enough for the cache, by an estimate. */
  readonly isLongEnough: boolean
  /** The breakpoints on it and in it. */
  readonly breakpoints: ReadonlyArray<Models.CacheTtl>
}

/**
 * Characters of a token, for the estimate. Prose has about 4 with older models and 3 with newer ones. An estimate that
 * is too high costs nothing: the API ignores a breakpoint below the minimum.
 */
const charactersPerToken = 3

/** The blocks of a request. Its automatic `cache_control` counts as a breakpoint on the last one. */
export const read = (request: Request): ReadonlyArray<Block> => {
  const { cache_control, messages, model, system, tools = [] } = request
  const least = Models.minCacheTokens(model) * charactersPerToken
  const blocks: Array<Block> = []
  let length = 0
  const add = (place: Pick<Block, "level" | "role" | "message">, values: ReadonlyArray<object>) =>
    values.forEach((value, at) => {
      length += lengthOf(value)
      blocks.push({ ...place, at, value, isLongEnough: length >= least, breakpoints: breakpointsIn(value) })
    })

  add({ level: "tools", role: "system", message: -1 }, tools)
  add({ level: "system", role: "system", message: -1 }, contentOf(system))
  messages.forEach(({ content, role }, message) => add({ level: "messages", role, message }, contentOf(content)))
  const last = blocks.pop()
  if (last === undefined) return blocks
  return [...blocks, { ...last, breakpoints: [...last.breakpoints, ...breakpointsIn({ cache_control })] }]
}

/** The blocks of a system prompt or of a message; a text is one. */
export const contentOf = <Block>(
  content: string | ReadonlyArray<Block> | undefined
): ReadonlyArray<Block | { readonly type: "text"; readonly text: string }> =>
  typeof content === "string" ? (content === "" ? [] : [{ type: "text", text: content }]) : (content ?? [])

/** Characters of all texts and keys in a value. */
const lengthOf = (value: unknown): number => {
  if (Predicate.isString(value)) return value.length
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + lengthOf(item), 0)
  if (!Predicate.isObject(value)) return 0
  return Object.entries(value).reduce((sum, [name, inner]) => sum + name.length + lengthOf(inner), 0)
}

/** Includes breakpoints in the content of a tool result, because the API counts them too. */
const breakpointsIn = (value: unknown): ReadonlyArray<Models.CacheTtl> => {
  if (Array.isArray(value)) return value.flatMap(breakpointsIn)
  if (!Predicate.isObject(value)) return []
  const control = value["cache_control"]
  const own = Predicate.isObject(control) && control["type"] === "ephemeral"
  const inside = Object.values(value).flatMap(breakpointsIn)
  return own ? [control["ttl"] === "1h" ? "1h" : "5m", ...inside] : inside
}

/** An entry that a request reads or writes. Requests share it where the keys are the same. */
export interface Entry {
  readonly key: string
  readonly ttl: Models.CacheTtl
  /** The last block of the entry. */
  readonly end: Block
}

/** The entries at the breakpoints of a request, the shortest first. */
export const entries = (request: Request): ReadonlyArray<Entry> => {
  const blocks = read(request)
  const end = blocks.findLastIndex(({ breakpoints }) => breakpoints.length > 0) + 1
  const { model, output_config, thinking, tool_choice } = request
  // A change of these settings invalidates entries that end in messages, but not entries that end in tools or system.
  const settings = JSON.stringify([output_config, thinking, tool_choice])
  let key = model
  return blocks.slice(0, end).flatMap((block) => {
    const {
      breakpoints: [ttl],
      isLongEnough,
      level,
      role,
      value
    } = block
    const { cache_control: _, ...bare } = { cache_control: undefined, ...value }
    key = Sha256.hex(key + JSON.stringify([level, role, level === "messages" && settings, bare]))
    return ttl === undefined || !isLongEnough ? [] : [{ key, ttl, end: block }]
  })
}

/** The request up to the end of a block, for the tokens of an entry. A message of the assistant stays whole. */
export const upTo = ({ messages, system, tools, ...request }: Request, { at, level, message }: Block): Request => ({
  ...request,
  ...(tools && { tools: level === "tools" ? tools.slice(0, at + 1) : tools }),
  ...(system && level !== "tools" && { system: level === "system" ? contentOf(system).slice(0, at + 1) : system }),
  messages: messages
    .slice(0, message + 1)
    .map((one, index) =>
      index === message && one.role === "user" ? { ...one, content: contentOf(one.content).slice(0, at + 1) } : one
    )
})
