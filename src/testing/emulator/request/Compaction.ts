/**
 * Compaction of the beta API (`compact_20260112`): how long a prompt must be before it is summarised, and what a summary
 * of an earlier answer replaces. Anthropic, "Compaction at a token threshold", Oct 2026. The words of its refusals are
 * not recorded.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { ApiError } from "../wire/ApiError.ts"
import { decode, required, shouldBe, text } from "../wire/Refusal.ts"
import type { Content, Fields } from "./Prompt.ts"

/** What a request asks for. */
export interface Compaction {
  /** The input tokens at which the API summarises. */
  readonly above: number
  /** Whether the answer ends with the summary. */
  readonly pauses: boolean
}

/** The field `context_management`; the edits of other types have no effect in the emulator. */
export const Management = Schema.NullOr(
  Schema.Struct({
    edits: Schema.optionalKey(
      Schema.Array(
        Schema.StructWithRest(Schema.Struct({ type: text.annotateKey(required) }), [
          Schema.Record(Schema.String, Schema.Unknown)
        ]).annotate(shouldBe("an object"))
      ).annotate(shouldBe("a valid list"))
    )
  })
).annotate(shouldBe("an object"))

const least = 50_000

const Trigger = Schema.Struct({
  type: Schema.Literal("input_tokens").annotate(shouldBe("'input_tokens'")).annotateKey(required),
  value: Schema.Number.annotate(shouldBe("a valid integer"))
    .check(
      Schema.isInt(shouldBe("a valid integer")),
      Schema.isGreaterThanOrEqualTo(least, shouldBe(`greater than or equal to ${least}`))
    )
    .annotateKey(required)
})

const Edit = Schema.Struct({
  trigger: Schema.optionalKey(Schema.NullOr(Trigger).annotate(shouldBe("an object"))),
  pause_after_compaction: Schema.optionalKey(Schema.Boolean.annotate(shouldBe("a valid boolean")))
})

const decodeEdit = decode(Edit)

/** Reads the edit of a request that asks for compaction; undefined if none does. */
export const read = Effect.fnUntraced(function* (
  management: typeof Management.Type | undefined
): Effect.fn.Return<Compaction | undefined, ApiError> {
  const edits = management?.edits ?? []
  const at = edits.findIndex(({ type }) => type === "compact_20260112")
  if (at === -1) return undefined
  const edit = yield* decodeEdit(edits[at], "context_management", "edits", at, "compact_20260112")
  return { above: edit.trigger?.value ?? 150_000, pauses: edit.pause_after_compaction ?? false }
})

const isSummary = (block: unknown) =>
  Predicate.isObject(block) && block["type"] === "compaction" && Predicate.isString(block["content"])

const summaryIn = (content: Content) => (Predicate.isString(content) ? -1 : content.findLastIndex(isSummary))

/** The messages as the model reads them: the last summary replaces everything before it, as a message of the user. */
export const sinceSummary = (messages: Fields["messages"]): Fields["messages"] => {
  const last = messages.findLastIndex(({ content }) => summaryIn(content) !== -1)
  const message = messages[last]
  if (message === undefined || Predicate.isString(message.content)) return messages
  const at = summaryIn(message.content)
  const rest = message.content.slice(at + 1)
  return [
    { role: "user", content: message.content.slice(at, at + 1) },
    ...(rest.length === 0 ? [] : [{ ...message, content: rest }]),
    ...messages.slice(last + 1)
  ]
}
