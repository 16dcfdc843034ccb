/**
 * Has the API cache what is asked again and again: marks the ends of tools, system prompt and conversation with
 * `cache_control`. Reading from the cache costs a tenth of the input price or less, writing to it a quarter more than
 * that price, for an hour twice it. So a prompt that is asked only once costs more: `Progress.promptCache` tells.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { wrap } from "../claude/Claude.ts"
import type { CacheTtl } from "../claude/Models.ts"
import type { Request } from "../claude/Request.ts"
import * as Blocks from "./promptCache/Blocks.ts"
import * as WarmUp from "./promptCache/WarmUp.ts"

/** What to cache, and for how long. */
export interface Options {
  /** How long what is cached lives after its last use; `5m` by default. */
  readonly ttl?: CacheTtl
  /**
   * Leaves it to the API: one breakpoint that moves along with the end of the request. For conversations; where each
   * call has another last message, all of it is written every time, and none is read.
   */
  readonly automatic?: boolean
}

/** The API's limit. */
const maximum = 4

/**
 * Places `cache_control` in a request: on the last tool, on the system prompt, and in a conversation on the last
 * message and on what was the last a turn ago, so that a turn reads what the turn before wrote, however many blocks lie
 * between. A single message is left alone, since the next call has another; so is what is too short for the model, and
 * whichever of tools, system and messages the caller placed breakpoints in. With the caller's there are never over four.
 */
export const place = (request: Request, { automatic = false, ttl = "5m" }: Options = {}): Request => {
  const blocks = Blocks.read(request)
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

/** Where breakpoints are of use, the most useful first. */
const candidates = (blocks: ReadonlyArray<Blocks.Block>): ReadonlyArray<Blocks.Block> => {
  const last = (level: Blocks.Block["level"], among: ReadonlyArray<Blocks.Block> = blocks) =>
    among.findLast((block) => block.level === level && canCarry(block))
  const end = blocks.at(-1)?.message
  const answer = blocks.findLastIndex(({ message, role }) => role === "assistant" && message !== end)
  const [before, now] = answer === -1 ? [] : [blocks.slice(0, answer), blocks.slice(answer)]
  return [now && last("messages", now), last("system"), before && last("messages", before), last("tools")].filter(
    (block) => block !== undefined
  )
}

/** What a user message consists of, as far as it can carry a breakpoint. */
const carriers = new Set(["text", "image", "document", "search_result", "tool_result"])

const canCarry = ({ level, role, value }: Blocks.Block): boolean => {
  const { defer_loading, text, type }: { defer_loading?: unknown; text?: unknown; type?: unknown } = value
  if (level === "tools") return defer_loading !== true && type !== "mcp_toolset"
  return (level === "system" || role === "user") && carriers.has(`${type}`) && text !== ""
}

/** What the caller's breakpoints leave open to ours: an hour never comes after five minutes. */
const ttlAt = (block: Blocks.Block, blocks: ReadonlyArray<Blocks.Block>): CacheTtl | undefined => {
  const at = blocks.indexOf(block)
  if (blocks.slice(at).some(({ breakpoints }) => breakpoints.includes("1h"))) return "1h"
  return blocks.slice(0, at).some(({ breakpoints }) => breakpoints.includes("5m")) ? "5m" : undefined
}

const control = (ttl: CacheTtl): Anthropic.CacheControlEphemeral =>
  ttl === "5m" ? { type: "ephemeral" } : { type: "ephemeral", ttl }

interface Mark {
  readonly block: Blocks.Block
  readonly control: Anthropic.CacheControlEphemeral
}

const withMarks = (request: Request, marks: ReadonlyArray<Mark>): Request => {
  const { messages, system, tools } = request
  const marked = <B extends object>(values: ReadonlyArray<B>, level: Blocks.Block["level"], message = -1): Array<B> =>
    values.map((value, at) => {
      const mark = marks.find(({ block }) => block.level === level && block.message === message && block.at === at)
      return mark === undefined ? value : { ...value, cache_control: mark.control }
    })
  return {
    ...request,
    ...(tools && { tools: marked(tools, "tools") }),
    ...(system && { system: marked(Blocks.contentOf(system), "system") }),
    messages: messages.map((message, index) =>
      message.role === "user" && marks.some(({ block }) => block.message === index)
        ? { ...message, content: marked(Blocks.contentOf(message.content), "messages", index) }
        : message
    )
  }
}

/** What to cache, for how long, and whether calls wait for one another. */
export interface PolicyOptions extends Options {
  /**
   * Of calls that share a prefix, one goes first; the others wait until its answer has begun, at most so long, and then
   * read what it wrote. For batches and jobs. Not before Message Batches, where the first answer may take hours.
   */
  readonly warmUp?: Duration.Input
}

/** Places breakpoints in every call; see `place`. It belongs outside `Retry`, so that who waits holds no permit. */
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
