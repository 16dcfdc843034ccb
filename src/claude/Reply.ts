/**
 * A reply: the message as the API sent it, and the facts that came with it.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { RateLimits } from "./RateLimits.ts"

type BetaMessage = Anthropic.Beta.Messages.BetaMessage

/** The SDK's message. A call of the beta API adds the extra fields of its message. */
export type Message = Anthropic.Message & Partial<Omit<BetaMessage, keyof Anthropic.Message>>

/** Whether a value has the fields of a message that this library reads. */
export const isMessage = (data: unknown): data is Message =>
  Predicate.hasProperty(data, "type") &&
  data.type === "message" &&
  Predicate.hasProperty(data, "content") &&
  Array.isArray(data.content) &&
  data.content.every(Predicate.isObject) &&
  Predicate.hasProperty(data, "usage") &&
  Predicate.isObject(data.usage)

/** Where a reply came from. Replies from `api` and `batch` are billed now; the others were billed earlier. */
export type Origin = "api" | "cache" | "journal" | "batch"

/** The facts that come with a reply. */
export interface ReplyFacts {
  readonly requestId: string | undefined
  readonly origin: Origin
  readonly rateLimits: RateLimits | undefined
  /** Present where `Fallback` asked another model or client than the request names: a cache does not store the reply. */
  readonly fallback?: true
  /** Present where a cache may hold the reply: removes it, so that a rejected reply is not served again. */
  readonly discard?: (() => Effect.Effect<void>) | undefined
}

/** Any answer with status 200. The verbs judge its stop reason. */
export interface Reply extends ReplyFacts {
  readonly message: Message
}

/** Whether a reply is billed now. A reply from a cache or a journal was billed when it was made. */
export const isBilled = (origin: Origin): boolean => origin === "api" || origin === "batch"

/** Removes a reply from the cache that holds it, if any, so that the next call asks the API again. */
export const discard = (facts: ReplyFacts): Effect.Effect<void> => facts.discard?.() ?? Effect.void

/** Whether the emulator answered instead of Claude. Its request ids show it. */
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
