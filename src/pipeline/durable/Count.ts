/**
 * A count of tokens in the form of a reply, so that it is stored and replayed like one. It costs nothing.
 */
import { emptyMessage } from "../../claude/EmptyMessage.ts"
import type { Message, Reply } from "../../claude/Reply.ts"

/** Begins the hash of a call that counts tokens. */
export const prefix = "count "

/** A reply that holds a count. Its origin keeps stores from adding a cost. */
export const toReply = (tokens: number): Reply => ({
  message: { ...empty, usage: { ...empty.usage, input_tokens: tokens } },
  requestId: undefined,
  origin: "journal",
  rateLimits: undefined
})

/** The count that a reply holds. */
export const fromReply = ({ message }: Reply): number => message.usage.input_tokens

/** Whether a reply holds a count. */
export const isCount = ({ message }: Pick<Reply, "message">): boolean => message.id === empty.id

const empty: Message = { ...emptyMessage, id: "count", model: "count_tokens" }
