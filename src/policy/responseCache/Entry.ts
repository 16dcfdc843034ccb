/**
 * An entry of the cache: a stored reply with the facts that show that it is intact, answers this request, and is still
 * valid. Pure.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Json from "../../claude/Json.ts"
import { isMessage, type Message, type Reply } from "../../claude/Reply.ts"
import * as StoredReply from "../../claude/StoredReply.ts"

/** For each model and label that can be invalidated, the id of its last invalidation; "" without one. */
export type Generations = Readonly<Record<string, string>>

/** The form of an entry. Another version is a miss. */
const Stored = Schema.Struct({
  ...StoredReply.fields,
  version: Schema.Literal(1),
  key: Schema.String,
  /** Those before the request was sent. */
  generations: Schema.Record(Schema.String, Schema.String)
})

/** A decoded entry. */
export interface Entry extends StoredReply.Restored {
  readonly generations: Generations
}

/** An entry as plain data. */
export const encode = (key: string, reply: Reply, generations: Generations): object => {
  const entry: typeof Stored.Encoded = { ...StoredReply.encode(reply), version: 1, key, generations }
  intact.add(entry)
  return entry
}

/** Entries that were made here: a store in memory returns the very object, which needs no check. */
const intact = new WeakSet<object>()

const isIntact = (data: object): data is typeof Stored.Type => intact.has(data)

/** `decode` for an entry that never left the process; undefined for any other. */
export const decodeIntact = (key: string, data: object): Entry | undefined => {
  if (!isIntact(data) || data.key !== key) return undefined
  const message: unknown = Json.parse(data.message)
  return isMessage(message) ? { message, requestId: data.requestId, generations: data.generations } : undefined
}

const decodeStored = Schema.decodeUnknownOption(Stored)

/** The entry that was written under `key`; `undefined` where it is torn, of another key, or of another version. */
export const decode = (key: string, data: unknown): Entry | undefined => {
  const stored = Option.getOrUndefined(decodeStored(data))
  if (stored?.key !== key) return undefined
  const reply = StoredReply.decode(stored)
  return reply && { ...reply, generations: stored.generations }
}

/** Whether an answer is complete: neither truncated nor refused nor paused. */
export const isWhole = ({ stop_reason: reason }: Message): boolean =>
  reason === "end_turn" || reason === "stop_sequence" || reason === "tool_use"
