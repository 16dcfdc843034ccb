/**
 * The way of an answer through `Chat`: from its parts to a history, through JSON, and back to the API.
 */
import { assert } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Prompt from "effect/ai/Prompt"
import * as Response from "effect/ai/Response"
import * as Messages from "../../../src/call/languageModel/Messages.ts"

const decodeParts = Schema.decodeSync(Schema.Array(Response.Part()))
const decodeStreamParts = Schema.decodeSync(Schema.Array(Response.StreamPart()))

/** The messages that `Chat` makes of a whole answer. */
export const ofWhole = (parts: ReadonlyArray<Response.PartEncoded>): ReadonlyArray<Prompt.Message> =>
  Prompt.fromResponseParts(decodeParts(parts)).content

/** The messages that `Chat` makes of a stream. */
export const ofStream = (parts: ReadonlyArray<Response.StreamPartEncoded>): ReadonlyArray<Prompt.Message> =>
  Prompt.fromResponseParts(decodeStreamParts(parts)).content

/** What `Chat.exportJson` writes. */
const HistoryJson = Schema.fromJsonString(Prompt.Prompt)

/** The blocks of the answer that the API gets back, after an export. */
export const sentBack = (history: ReadonlyArray<Prompt.Message>, model: string): ReadonlyArray<string> => {
  const json = Schema.encodeSync(HistoryJson)(Prompt.fromMessages(history))
  const reading = { model, nameOf: (name: string) => name }
  const { messages } = Result.getOrThrow(Messages.make(Schema.decodeSync(HistoryJson)(json), reading))
  const content = messages.find(({ role }) => role === "assistant")?.content ?? []
  assert(Array.isArray(content))
  return content.map(bytesOf)
}

/**
 * A block as text. The API does not read the order of a block's own fields, or the absence of citations, and takes no text
 * of white space back.
 */
export const bytesOf = ({ ...fields }: object): string =>
  JSON.stringify(
    Object.entries(fields)
      .filter(([name, value]) => name !== "citations" || (value !== null && JSON.stringify(value) !== "[]"))
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
  )

/** Fails unless every start has its end, with no empty delta between. */
export const verifyPairs = (parts: ReadonlyArray<Response.StreamPartEncoded>) => {
  const open = new Set<string>()
  const seen = new Set<string>()
  for (const part of parts) {
    const [, kind, step] = /^(.+)-(start|delta|end)$/.exec(part.type) ?? []
    if (kind === undefined || !("id" in part)) continue
    const key = `${kind} ${part.id}`
    if (step === "start") {
      assert.isFalse(seen.has(key), key)
      seen.add(key)
      open.add(key)
    } else assert.isTrue(open.has(key), key)
    if (step === "delta") assert("delta" in part && part.delta !== "")
    if (step === "end") open.delete(key)
  }
  assert.strictEqual(open.size, 0)
}
