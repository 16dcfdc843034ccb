import type { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import type * as Parts from "../../../src/call/languageModel/Parts.ts"
import * as StreamParts from "../../../src/call/languageModel/StreamParts.ts"
import * as WholeParts from "../../../src/call/languageModel/WholeParts.ts"
import type { Message } from "../../../src/claude/Reply.ts"
import { accumulator, fromMessage, type StreamEvent } from "../../../src/claude/StreamEvent.ts"
import { message } from "../../fixtures.ts"
import { blocks, tools } from "./blocks.ts"
import { ofStream, ofWhole, verifyPairs } from "./history.ts"

describe("the parts of a stream", () => {
  it.effect.prop("become the same history as the parts of the whole answer", [Schema.Array(Kind())], ([kinds]) =>
    Effect.gen(function* () {
      const answer = answerOf(kinds)
      const streamed = yield* read(fromMessage(answer))
      const whole = yield* WholeParts.make(answer, tools)
      assert.deepStrictEqual(ofStream(streamed), ofWhole(whole))
    })
  )

  it.effect.prop("have an end for every start and no empty delta", [Schema.Array(Kind())], ([kinds]) =>
    Effect.map(read(fromMessage(answerOf(kinds))), verifyPairs)
  )

  it.effect.prop("are complete where a server leaves the ends of blocks out", [Schema.Array(Kind())], ([kinds]) =>
    Effect.gen(function* () {
      const answer = answerOf(kinds)
      const events = fromMessage(answer)
      const cut = yield* read(events.filter(({ type }) => type !== "content_block_stop"))
      verifyPairs(cut)
      const whole = yield* WholeParts.make(answer, tools)
      // Calls move behind what began before their arguments were known to be complete.
      const sorted = (messages: ReadonlyArray<Prompt.Message>) =>
        messages.map(({ content }) => [...content].map((part) => JSON.stringify(part)).toSorted())
      assert.deepStrictEqual(sorted(ofStream(cut)), sorted(ofWhole(whole)))
    })
  )

  it.effect("are complete where a gateway sends all content at once", () =>
    Effect.gen(function* () {
      const answer = answerOf(["text", "call", "thinking"])
      const streamed = yield* read([{ type: "message_start", message: answer }, { type: "message_stop" }])
      verifyPairs(streamed)
      const whole = yield* WholeParts.make(answer, tools)
      assert.deepStrictEqual(ofStream(streamed), ofWhole(whole))
      assert.deepInclude(streamed, { type: "text-delta", id: "0", delta: "Hello you." })
    })
  )

  it.effect("have the arguments of a tool before its call", () =>
    Effect.gen(function* () {
      const parts = yield* read(fromMessage(answerOf(["call"])))
      assert.deepStrictEqual<unknown>(parts.slice(0, 3), [
        { type: "tool-params-start", id: "toolu_0", name: "files.read", providerExecuted: false },
        { type: "tool-params-delta", id: "toolu_0", delta: '{"path":"a.txt"}' },
        { type: "tool-params-end", id: "toolu_0" }
      ])
      assert.strictEqual(parts[3]?.type, "tool-call")
    })
  )
})

// Builders

function Kind() {
  return Schema.Literals(Object.keys(blocks) as ReadonlyArray<keyof typeof blocks>)
}

const answerOf = (kinds: ReadonlyArray<keyof typeof blocks>): Message =>
  message({ content: kinds.flatMap((kind, at): ReadonlyArray<Anthropic.ContentBlock> => blocks[kind](at)) })

/** Reads the events one by one, as they arrive. */
const read = Effect.fnUntraced(function* (events: ReadonlyArray<StreamEvent>, given: Parts.Tools = tools) {
  const { add, message: soFar } = accumulator()
  const reader = StreamParts.reader(given)
  const parts: Array<Response.StreamPartEncoded> = []
  for (const event of events) {
    add(event)
    const read = reader.read(event, soFar)
    parts.push(...(Effect.isEffect(read) ? yield* read : read))
  }
  return parts
})
