/**
 * What the cache holds: an answer, with what it takes to know that it is whole, of this request, and still valid. Pure.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isMessage, type Message, type Reply } from "../../claude/Reply.ts"
import * as Sha256 from "../../claude/Sha256.ts"

/** For each model and label that can be invalidated, what was stored when that last happened; "" if it never did. */
export type Generations = Readonly<Record<string, string>>

/** The form of an entry. One of another version is none. */
const Stored = Schema.Struct({
  version: Schema.Literal(1),
  key: Schema.String,
  requestId: Schema.optionalKey(Schema.String),
  /** As they were before the request was sent. */
  generations: Schema.Record(Schema.String, Schema.String),
  /** The message as JSON, so that its checksum is over exactly what was written. */
  message: Schema.String,
  checksum: Schema.String
})

/** An answer that was read, and the generations that it is of. */
export interface Entry {
  readonly message: Message
  readonly requestId: string | undefined
  readonly generations: Generations
}

/** An entry as plain data. */
export const encode = (key: string, { message, requestId }: Reply, generations: Generations): object => {
  const json = JSON.stringify(message)
  const facts = { version: 1, key, generations, message: json, checksum: Sha256.hex(json) } as const
  const entry: typeof Stored.Encoded = requestId === undefined ? facts : { ...facts, requestId }
  return entry
}

const decodeStored = Schema.decodeUnknownOption(Stored)
const decodeMessage = Schema.decodeOption(Schema.fromJsonString(Schema.declare(isMessage)))

/** The entry that was written under `key`; nothing where it is torn, of another key, or of another version. */
export const decode = (key: string, data: unknown): Entry | undefined => {
  const stored = Option.getOrUndefined(decodeStored(data))
  if (stored?.key !== key || stored.checksum !== Sha256.hex(stored.message)) return undefined
  const { generations, message, requestId } = stored
  return Option.getOrUndefined(Option.map(decodeMessage(message), (message) => ({ message, requestId, generations })))
}

/** Whether an answer is a whole one: not cut off, not refused, not paused. */
export const isWhole = ({ stop_reason: reason }: Message): boolean =>
  reason === "end_turn" || reason === "stop_sequence" || reason === "tool_use"

/**
 * Whether the model that answered is the one that was asked: the same id, or that of the same model with its date where
 * one has none, in the ways in which Anthropic, Bedrock and Vertex write it.
 */
export const isSameModel = (asked: string, answered: string): boolean => {
  const [one, other] = [partsOf(asked), partsOf(answered)]
  if (one === undefined || other === undefined) return asked === answered
  return one.name === other.name && (one.date === other.date || one.date === "" || other.date === "")
}

/**
 * `us.anthropic.claude-x-1-20251001-v1:0`, an ARN that ends in it, `claude-x-1@20251001` and `claude-x-1-latest` are all
 * `claude-x-1`.
 */
const partsOf = (id: string) => {
  const found = /^(?:.*[./])?(claude-.+?)(?:[-@](?:(\d{8})|latest|default))?(?:-v\d+(?::\d+)?)?$/.exec(id)
  return found?.[1] === undefined ? undefined : { name: found[1], date: found[2] ?? "" }
}
