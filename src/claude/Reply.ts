/**
 * An answer: the message as the API sent it, and the facts that came with it.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { RateLimits } from "./RateLimits.ts"

type BetaMessage = Anthropic.Beta.Messages.BetaMessage

/** The SDK's message. Where the call used the beta API, its extra fields are there too. */
export type Message = Anthropic.Message & Partial<Omit<BetaMessage, keyof Anthropic.Message>>

/** Whether what came is a message, as far as this library reads it itself. */
export const isMessage = (data: unknown): data is Message =>
  Predicate.hasProperty(data, "type") &&
  data.type === "message" &&
  Predicate.hasProperty(data, "content") &&
  Array.isArray(data.content) &&
  data.content.every(Predicate.isObject) &&
  Predicate.hasProperty(data, "usage") &&
  Predicate.isObject(data.usage)

/** Where an answer came from: only those of `api` and `batch` were paid for just now. */
export type Origin = "api" | "cache" | "journal" | "batch"

/** What came with an answer. */
export interface ReplyFacts {
  readonly requestId: string | undefined
  readonly origin: Origin
  readonly rateLimits: RateLimits | undefined
  /** There where a cache may hold the answer: takes it out again, since it turned out to be of no use. */
  readonly discard?: (() => Effect.Effect<void>) | undefined
}

/** Every answer with status 200, whatever its stop reason: the verbs judge it. */
export interface Reply extends ReplyFacts {
  readonly message: Message
}

/** Whether the answer is billed now; what a cache or a journal gives was billed when it was made. */
export const isBilled = (origin: Origin): boolean => origin === "api" || origin === "batch"

/** Takes an answer out of the cache that holds it, if any, so that the next call asks anew. */
export const discard = (facts: ReplyFacts): Effect.Effect<void> => facts.discard?.() ?? Effect.void

/** Whether the emulator answered, and not Claude: it says so in every request id. */
export const isEmulated = (requestId: string | undefined): boolean => requestId?.startsWith("req_emulated_") ?? false

/** Characters in the text blocks of a message. */
export const textLength = (message: Message): number => {
  let length = 0
  for (const block of message.content) if (block.type === "text") length += block.text.length
  return length
}

/** The text blocks of a message, joined. */
export const text = (message: Message): string => {
  let joined = ""
  for (const block of message.content) if (block.type === "text") joined += block.text
  return joined
}
