/**
 * An entry of the cache: a stored reply with a checksum, the key of its request, and the generations that show whether
 * it is still valid. Pure.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Json from "../../claude/Json.ts"
import { isMessage, type Message, type Reply } from "../../claude/Reply.ts"
import * as StoredReply from "../../claude/StoredReply.ts"

/** The id of the last invalidation of each model and label; "" if there was none. */
export type Generations = Readonly<Record<string, string>>

/** The format of an entry. An entry of another version is a miss. */
const Stored = Schema.Struct({
  ...StoredReply.fields,
  version: Schema.Literal(1),
  key: Schema.String,
  /** The generations before the request was sent. */
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

/** The entries that this process encoded. A store in memory returns the same object, which needs no check. */
const intact = new WeakSet<object>()

const isIntact = (data: object): data is typeof Stored.Type => intact.has(data)

/** Decodes an entry that this process encoded; undefined for any other. */
export const decodeIntact = (key: string, data: object): Entry | undefined => {
  if (!isIntact(data) || data.key !== key) return undefined
  const message: unknown = Json.parse(data.message)
  return isMessage(message) ? { message, requestId: data.requestId, generations: data.generations } : undefined
}

const decodeStored = Schema.decodeUnknownOption(Stored)

/** The entry of `key`; `undefined` if the data is incomplete, or belongs to another key or version. */
export const decode = (key: string, data: unknown): Entry | undefined => {
  const stored = Option.getOrUndefined(decodeStored(data))
  if (stored?.key !== key) return undefined
  const reply = StoredReply.decode(stored)
  return reply && { ...reply, generations: stored.generations }
}

/** Whether an answer is complete, not truncated, refused or paused. */
export const isWhole = ({ stop_reason: reason }: Message): boolean =>
  reason === "end_turn" || reason === "stop_sequence" || reason === "tool_use"
