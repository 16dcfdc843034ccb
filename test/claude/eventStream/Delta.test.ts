import type { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Delta from "../../../src/claude/eventStream/Delta.ts"
import * as WireEvent from "../../../src/claude/eventStream/WireEvent.ts"

describe("a delta in the API's form", () => {
  it.effect.prop("is found with its content and its end", [Kind, Schema.String, Position], ([kind, content, index]) =>
    Effect.sync(() => {
      const event = deltaOf(kind, content, index)
      const text = `${before}${written(event)}event: ping`
      assert.deepStrictEqual(Delta.find(text, before.length), { event, end: text.length - "event: ping".length })
    })
  )

  it.each([" ", "        "])("is found although it is padded with %j", (padding) => {
    const event = deltaOf("text_delta", "Hello", 0)
    const text = written(event).replace("}}", `}${padding}}`)
    assert.deepStrictEqual(Delta.find(text, 0), { event, end: text.length })
  })

  it("keeps unpaired surrogates, escapes and empty content", () => {
    for (const content of ["", "\ud800", 'a"b\\c\n\t', "😀", "}}\n\n"]) {
      const event = deltaOf("text_delta", content, 3)
      assert.deepStrictEqual(Delta.find(written(event), 0)?.event, event)
    }
  })
})

describe("other text", () => {
  it.effect.prop(
    "is never read differently than by WireEvent",
    [Kind, Schema.String, Position, Edits],
    (parts) =>
      Effect.sync(() => {
        const [kind, content, index, edits] = parts
        const text = edits.reduce(edited, written(deltaOf(kind, content, index)))
        const found = Delta.find(text, 0)
        if (found === undefined) return
        const [, data = ""] = text.slice(0, found.end).split("\ndata: ")
        assert.deepStrictEqual(found.event, WireEvent.parse(data, "content_block_delta"))
      }),
    { arbitrary: { runs: 1000 } }
  )

  it.each([
    ["another order of keys", { index: 0, type: "content_block_delta", delta: { type: "text_delta", text: "a" } }],
    ["another field", { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "a", mood: "b" } }],
    [
      "a field after the delta",
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "a" }, a: 1 }
    ],
    ["null", { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: null } }],
    ["another type", { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "a" } }],
    ["the wrong field", { type: "content_block_delta", index: 0, delta: { type: "text_delta", thinking: "a" } }],
    ["a negative index", { type: "content_block_delta", index: -1, delta: { type: "text_delta", text: "a" } }]
  ])("is left to WireEvent: %s", (_, event) => assert.isUndefined(Delta.find(written(event), 0)))

  it.each([
    [String.raw`a\x`, "an unknown escape"],
    ["a\tb", "a control character"],
    [String.raw`a\u12`, "a cut escape"],
    [`a"b`, "a quote"]
  ])("is left to WireEvent: a string with %j, %s", (content) => {
    assert.isUndefined(Delta.find(written(deltaOf("text_delta", "?", 0)).replace("?", content), 0))
  })

  it("is left to WireEvent until its empty line has arrived", () => {
    const text = written(deltaOf("text_delta", "Hello", 0))
    for (let length = 0; length < text.length; length++) assert.isUndefined(Delta.find(text.slice(0, length), 0))
  })
})

// Builders

const Kind = Schema.Literals(["text_delta", "thinking_delta", "input_json_delta"])
const Position = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999_999 }))
const before = "event: ping\ndata: {}\n\n"

const deltaOf = (kind: typeof Kind.Type, content: string, index: number): Anthropic.RawContentBlockDeltaEvent => {
  const type = "content_block_delta"
  switch (kind) {
    case "text_delta":
      return { type, index, delta: { type: kind, text: content } }
    case "thinking_delta":
      return { type, index, delta: { type: kind, thinking: content } }
    case "input_json_delta":
      return { type, index, delta: { type: kind, partial_json: content } }
  }
}

const written = (event: { readonly type: string }) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

/** Inserts or replaces a piece at a place of the text, counted from either end. */
const Edits = Schema.NonEmptyArray(
  Schema.Struct({
    place: Schema.Int.check(Schema.isBetween({ minimum: -60, maximum: 140 })),
    cut: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
    piece: Schema.Literals([
      "",
      " ",
      "\n",
      "\t",
      '"',
      "\\",
      "\\n",
      "\\u00",
      "{",
      "}",
      ",",
      ":",
      "0",
      "1",
      "e",
      '"a":1,'
    ])
  })
)

const edited = (text: string, { cut, piece, place }: (typeof Edits.Type)[number]) => {
  const at = place < 0 ? Math.max(0, text.length + place) : place
  return text.slice(0, at) + piece + text.slice(at + cut)
}
