import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Response from "effect/ai/Response"
import type * as Parts from "../../src/call/languageModel/Parts.ts"
import * as StreamParts from "../../src/call/languageModel/StreamParts.ts"
import * as WholeParts from "../../src/call/languageModel/WholeParts.ts"
import { isMessage, type Message } from "../../src/claude/Reply.ts"
import { accumulator, type StreamEvent } from "../../src/claude/StreamEvent.ts"
import * as ToolFormat from "../../src/claude/ToolFormat.ts"
import { bytesOf, ofStream, ofWhole, sentBack, verifyPairs } from "../call/languageModel/history.ts"
import * as Corpus from "./Corpus.ts"

const folder = process.env["WIRE_CORPUS"]
const exchanges = folder === undefined ? [] : Corpus.load(folder)

describe.skipIf(folder === undefined)("recorded answers (skipped unless WIRE_CORPUS names their folder)", () => {
  it.effect("come back to the API byte for byte through the parts of effect/ai, whole and streamed", () =>
    Effect.gen(function* () {
      const counts = { whole: 0, streamed: 0, blocks: 0 }
      for (const exchange of exchanges) {
        const kind = Corpus.kindOf(exchange)
        if (kind === "messages") {
          const message: unknown = JSON.parse(exchange.body)
          if (!isMessage(message)) continue
          counts.whole++
          counts.blocks += message.content.length
          const parts = yield* WholeParts.make(message, tools)
          assert.deepStrictEqual(sentBack(ofWhole(parts), message.model), expected(message), exchange.name)
        }
        if (kind === "messages, stream") {
          const { message, parts } = yield* read(eventsOf(exchange.body))
          if (message === undefined) continue
          counts.streamed++
          counts.blocks += message.content.length
          verifyPairs(parts)
          assert.deepStrictEqual(sentBack(ofStream(parts), message.model), expected(message), exchange.name)
        }
      }
      assert.deepStrictEqual(counts, { whole: 92, streamed: 19, blocks: 221 })
    })
  )
})

// Builders

const tools: Parts.Tools = { names: [], formats: Result.getOrThrow(ToolFormat.all({})), acceptsUnknown: true }

const expected = ({ content }: Message) =>
  content.filter((block) => block.type !== "text" || /\S/.test(block.text)).map(bytesOf)

const eventsOf = (body: string): ReadonlyArray<StreamEvent> =>
  body.split(/\r?\n\r?\n/).flatMap((event) => {
    const data = /^data: ?(.*)$/m.exec(event)?.[1]
    return data === undefined ? [] : [JSON.parse(data)]
  })

const read = Effect.fnUntraced(function* (events: ReadonlyArray<StreamEvent>) {
  const { add, message } = accumulator()
  const reader = StreamParts.reader(tools)
  const parts: Array<Response.StreamPartEncoded> = []
  for (const event of events) {
    add(event)
    const read = reader.read(event, message)
    parts.push(...(Effect.isEffect(read) ? yield* read : read))
  }
  return { message: message(), parts }
})
