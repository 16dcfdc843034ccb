import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Signature from "../../../../src/testing/emulator/request/Signature.ts"
import * as Schema from "effect/Schema"
import * as StreamEvent from "../../../../src/claude/StreamEvent.ts"
import * as Answer from "../../../../src/testing/emulator/answering/Answer.ts"
import type * as Blocks from "../../../../src/testing/emulator/answering/Blocks.ts"
import * as Validation from "../../../../src/testing/emulator/request/Validation.ts"
import * as Wire from "../../../../src/testing/emulator/answering/Message.ts"
import * as Corpus from "../../../wire/Corpus.ts"

describe("Wire.streamed", () => {
  it.effect("starts each block after the previous one, at the rate of the model", () =>
    Effect.gen(function* () {
      const call = { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Berlin" } }
      const answer = yield* replying([{ type: "text", text: "One moment, please." }, call])
      const pace = { timeToFirstToken: 1000, tokensPerSecond: 1 }
      const parts = Wire.merged(Wire.streamed("msg_1", "claude-haiku-4-5", answer, pace))
      assert.deepStrictEqual(
        parts.map(({ at, outputTokens, text }) => [at, outputTokens, ...typesOf(text)]),
        [
          [0, 1, "message_start"],
          [1000, 4, "content_block_start", "ping", "text_delta"],
          [5000, 5, "text_delta"],
          [6000, 7, "content_block_stop", "content_block_start", "input_json_delta"],
          [8000, 11, "input_json_delta"],
          [12_000, 12, "input_json_delta"],
          [13_000, 12, "content_block_stop", "message_delta", "message_stop"]
        ]
      )
      assert.strictEqual(Wire.duration(answer, pace), 13_000)
    })
  )
})

const folder = process.env["WIRE_CORPUS"]
const exchanges = folder === undefined ? [] : Corpus.load(folder)

describe.skipIf(folder === undefined)("recorded answers (skipped unless WIRE_CORPUS names their folder)", () => {
  it.effect("are streamed as recorded when they are used as replies", () =>
    Effect.gen(function* () {
      const streams = exchanges.filter((exchange) => Corpus.kindOf(exchange) === "messages, stream")
      assert.isAbove(streams.length, 10)
      for (const { body, name } of streams) {
        const accumulator = StreamEvent.accumulator()
        for (const event of dataOf(body)) accumulator.add(JSON.parse(event))
        const message = accumulator.message()
        const answer = yield* replying(decodeMessage(JSON.stringify(message)).content)
        const parts = Wire.streamed("", "", answer, { timeToFirstToken: 0, tokensPerSecond: Infinity })
        assert.deepStrictEqual(outline(parts.map(({ text }) => text).join("")), outline(body), name)
      }
    })
  )
})

const Content = Schema.StructWithRest(Schema.Struct({ type: Schema.String }), [
  Schema.Record(Schema.String, Schema.Unknown)
])
const decodeMessage = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ content: Schema.Array(Content) })))

const replying = (content: ReadonlyArray<Blocks.Content>) =>
  Effect.flatMap(
    Validation.call({
      method: "POST",
      path: "/v1/messages",
      headers: { "anthropic-version": "2026-10-21" },
      body: JSON.stringify({
        model: "claude-haiku-4-5",
        max_tokens: 64_000,
        messages: [{ role: "user", content: "Hi" }]
      })
    }),
    Answer.make({ replies: [{ when: () => true, reply: { content } }] }, Signature.make())
  )

const dataOf = (body: string) => [...body.matchAll(/^data: ?(.*)$/gm)].map(([, data = ""]) => data.trim())

const typesOf = (body: string) =>
  dataOf(body).map((data) => /"delta":\{"type":"(\w+)"/.exec(data)?.[1] ?? /"type":"(\w+)"/.exec(data)?.[1])

/** The blocks of a stream as they start, and the kinds of its deltas; the sizes of the pieces are left out. */
const outline = (body: string) => {
  const lines: Array<unknown> = []
  for (const event of dataOf(body).map((data) => JSON.parse(data))) {
    if (event.type === "ping" || event.type === "message_delta") continue
    if (event.type === "message_start") lines.push(event.type)
    else if (event.type !== "content_block_delta") lines.push(event)
    else if (event.delta.partial_json === "") lines.push(`${event.index} begins with an empty piece`)
    else if (lines.at(-1) !== `${event.index} ${event.delta.type}`) lines.push(`${event.index} ${event.delta.type}`)
  }
  return lines
}
