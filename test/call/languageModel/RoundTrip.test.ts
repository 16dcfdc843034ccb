/**
 * The way of an answer through `Chat`: into parts, into a history, through JSON, and back to the API.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Prompt from "effect/ai/Prompt"
import * as Response from "effect/ai/Response"
import * as Messages from "../../../src/call/languageModel/Messages.ts"
import * as WholeParts from "../../../src/call/languageModel/WholeParts.ts"
import { blocks, tools } from "./blocks.ts"

describe("an answer that comes back to the API", () => {
  it.effect.prop("is the same, byte for byte", [Schema.Array(Kind())], ([kinds]) =>
    Effect.gen(function* () {
      const content = kinds.flatMap((kind, at): ReadonlyArray<Anthropic.ContentBlock> => blocks[kind](at))
      const parts = yield* WholeParts.make({ content: [...content], model }, tools)
      const history = Prompt.fromResponseParts(yield* decodeParts(parts))
      const restored = yield* Schema.decodeEffect(HistoryJson)(yield* Schema.encodeEffect(HistoryJson)(history))
      const { messages } = yield* Effect.fromResult(Messages.make(restored, { model, nameOf: (name) => name }))
      const answer = messages.find(({ role }) => role === "assistant")?.content ?? []
      assert(Array.isArray(answer))
      assert.deepStrictEqual(
        answer.map((block) => inOrder(block)),
        content.map((block) => inOrder(block))
      )
    })
  )
})

// Builders

const model = "claude-sonnet-5-5"

function Kind() {
  return Schema.Literals(Object.keys(blocks) as ReadonlyArray<keyof typeof blocks>)
}

const decodeParts = Schema.decodeEffect(Schema.Array(Response.Part()))

/** What `Chat.exportJson` writes. */
const HistoryJson = Schema.fromJsonString(Prompt.Prompt)

/** The API does not read the order of a block's own fields, or the absence of citations. */
const inOrder = ({ ...fields }: object) =>
  JSON.stringify(
    Object.entries(fields)
      .filter(([name, value]) => name !== "citations" || value !== null)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
  )
