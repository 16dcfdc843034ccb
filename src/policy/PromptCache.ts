/**
 * Lets the API cache repeated prompts: marks the ends of tools, system prompt and conversation with `cache_control`.
 * Reading from the cache costs a tenth of the input price or less; writing to it costs 1.25 times that price, or twice
 * for an hour. So a prompt that is sent only once costs more: `Progress.promptCache` shows it.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { wrap } from "../claude/Claude.ts"
import type { CacheTtl } from "../claude/Models.ts"
import type { Request } from "../claude/Request.ts"
import * as PromptBlocks from "../claude/PromptBlocks.ts"
import * as WarmUp from "./promptCache/WarmUp.ts"

/** How to cache prompts, and for how long. */
export interface Options {
  /** How long an entry lives after its last use; `5m` by default. */
  readonly ttl?: CacheTtl
  /**
   * Lets the API choose the place: one breakpoint at the end of the request. Use it for conversations. If each call has
   * a different last message, every call writes the whole prompt and reads nothing.
   */
  readonly automatic?: boolean
}

/** The API's limit. */
const maximum = 4

/**
 * Places `cache_control` in a request: on the last tool, on the system prompt, and in a conversation on the last
 * message and on the last message of the turn before, so that each turn reads what the turn before wrote. Three places
 * get no breakpoint: the only message of a request, because the next call has another one; a prefix that is too short
 * for the model; and a part (tools, system, messages) in which the caller placed one. All together, there are at most
 * four.
 */
export const place = (request: Request, { automatic = false, ttl = "5m" }: Options = {}): Request => {
  const blocks = PromptBlocks.read(request)
  const theirs = blocks.filter(({ breakpoints }) => breakpoints.length > 0)
  const room = Math.max(0, maximum - theirs.flatMap(({ breakpoints }) => breakpoints).length)
  const marks = (automatic ? blocks.slice(-1) : candidates(blocks))
    .filter(({ isLongEnough, level }) => isLongEnough && !theirs.some((block) => block.level === level))
    .slice(0, room)
    .map((block) => ({ block, control: control(ttlAt(block, blocks) ?? ttl) }))
  const [first] = marks
  if (first === undefined) return request
  return automatic ? { ...request, cache_control: first.control } : withMarks(request, marks)
}

/** Places for breakpoints, the most useful first. */
const candidates = (blocks: ReadonlyArray<PromptBlocks.Block>): ReadonlyArray<PromptBlocks.Block> => {
  const last = (level: PromptBlocks.Block["level"], among: ReadonlyArray<PromptBlocks.Block> = blocks) =>
    among.findLast((block) => block.level === level && canCarry(block))
  const end = blocks.at(-1)?.message
  const answer = blocks.findLastIndex(({ message, role }) => role === "assistant" && message !== end)
  const [before, now] = answer === -1 ? [] : [blocks.slice(0, answer), blocks.slice(answer)]
  return [now && last("messages", now), last("system"), before && last("messages", before), last("tools")].filter(
    (block) => block !== undefined
  )
}

/** The blocks of a user message that can carry a breakpoint. */
const carriers = new Set(["text", "image", "document", "search_result", "tool_result"])

const canCarry = ({ level, role, value }: PromptBlocks.Block): boolean => {
  const { defer_loading, text, type }: { defer_loading?: unknown; text?: unknown; type?: unknown } = value
  if (level === "tools") return defer_loading !== true && type !== "mcp_toolset"
  return (level === "system" || role === "user") && carriers.has(`${type}`) && text !== ""
}

/** The lifetime that the caller's breakpoints allow: an hour may not come after five minutes. */
const ttlAt = (block: PromptBlocks.Block, blocks: ReadonlyArray<PromptBlocks.Block>): CacheTtl | undefined => {
  const at = blocks.indexOf(block)
  if (blocks.slice(at).some(({ breakpoints }) => breakpoints.includes("1h"))) return "1h"
  return blocks.slice(0, at).some(({ breakpoints }) => breakpoints.includes("5m")) ? "5m" : undefined
}

const control = (ttl: CacheTtl): Anthropic.CacheControlEphemeral =>
  ttl === "5m" ? { type: "ephemeral" } : { type: "ephemeral", ttl }

interface Mark {
  readonly block: PromptBlocks.Block
  readonly control: Anthropic.CacheControlEphemeral
}

const withMarks = (request: Request, marks: ReadonlyArray<Mark>): Request => {
  const { messages, system, tools } = request
  const marked = <B extends object>(
    values: ReadonlyArray<B>,
    level: PromptBlocks.Block["level"],
    message = -1
  ): Array<B> =>
    values.map((value, at) => {
      const mark = marks.find(({ block }) => block.level === level && block.message === message && block.at === at)
      return mark === undefined ? value : { ...value, cache_control: mark.control }
    })
  return {
    ...request,
    ...(tools && { tools: marked(tools, "tools") }),
    ...(system && { system: marked(PromptBlocks.contentOf(system), "system") }),
    messages: messages.map((message, index) =>
      message.role === "user" && marks.some(({ block }) => block.message === index)
        ? { ...message, content: marked(PromptBlocks.contentOf(message.content), "messages", index) }
        : message
    )
  }
}

/** How to cache prompts, for how long, and whether calls wait for one another. */
export interface PolicyOptions extends Options {
  /**
   * Sends one of several calls that share a prefix first. The others wait until its answer has begun, but not longer
   * than this time, and then read the entry that it wrote. Use it for jobs, but not with `MessageBatches`, which warms
   * up by itself.
   */
  readonly warmUp?: Duration.Input
}

/** Places breakpoints in every call; see `place`. Put it outside `Retry`, so that a waiting call holds no permit. */
export const policy = ({ warmUp, ...options }: PolicyOptions = {}) =>
  wrap((next) =>
    Effect.sync(() => {
      const { create, stream, ...others } = warmUp === undefined ? next : WarmUp.make(next, warmUp)
      return {
        ...others,
        create: (request) => create(place(request, options)),
        stream: (request) => stream(place(request, options))
      }
    })
  )
