import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Content from "../../../src/call/Content.ts"
import { generateText, streamText } from "../../../src/call/text.ts"
import * as Emulator from "../../../src/testing/Emulator.ts"

describe("citations", () => {
  it.effect("names the range of the answer, and the place in the document", () =>
    Effect.gen(function* () {
      const reply = yield* generateText("Which colour?")
      assert.strictEqual(reply.text, "It is red, on page two. See also.")
      assert.deepStrictEqual(Content.citations(reply), [
        {
          text: "red, on page two",
          start: 6,
          end: 22,
          sources: [
            { type: "pages", document: { index: 0, title: "one.pdf" }, first: 2, last: 3, quote: "red" },
            { type: "pages", document: { index: 1, title: undefined }, first: 5, last: 5, quote: "red" },
            { type: "characters", document: { index: 1, title: undefined }, start: 4, end: 7, quote: "red" },
            { type: "blocks", document: { index: 1, title: undefined }, start: 0, end: 1, quote: "red" },
            {
              type: "search-result",
              document: { index: 0, title: "Colours" },
              source: "s://1",
              start: 0,
              end: 1,
              quote: "red"
            },
            { type: "web", url: "https://example.com", title: undefined, quote: "red" }
          ]
        }
      ])
    }).pipe(Effect.provide(cited))
  )

  it.effect("are in the reply of a stream", () =>
    Effect.gen(function* () {
      let found: ReadonlyArray<Content.Citation> = []
      const asked = streamText("Which colour?", {
        onFinish: (reply) =>
          Effect.sync(() => {
            found = Content.citations(reply)
          })
      })
      yield* Stream.runDrain(asked)
      assert.deepStrictEqual(
        found.map(({ sources, text }) => [text, sources.length]),
        [["red, on page two", 6]]
      )
    }).pipe(Effect.provide(cited))
  )
})

const block = (text: string, citations: ReadonlyArray<unknown> | null = null) => ({ type: "text", text, citations })

const document = { cited_text: "red", document_index: 1, document_title: null, file_id: null }
const result = { cited_text: "red", title: "Colours", search_result_index: 0, source: "s://1" }

const cited = Emulator.layer({
  replies: [
    {
      when: /colour/,
      reply: {
        content: [
          { type: "thinking", thinking: "Which page?", signature: "EhIx" },
          block("It is "),
          block("red, on page two", [
            {
              ...document,
              type: "page_location",
              document_index: 0,
              document_title: "one.pdf",
              start_page_number: 2,
              end_page_number: 4
            },
            { ...document, type: "page_location", start_page_number: 5, end_page_number: 5 },
            { ...document, type: "char_location", start_char_index: 4, end_char_index: 7 },
            { ...document, type: "content_block_location", start_block_index: 0, end_block_index: 1 },
            { ...result, type: "search_result_location", start_block_index: 0, end_block_index: 1 },
            {
              type: "web_search_result_location",
              cited_text: "red",
              encrypted_index: "x",
              title: null,
              url: "https://example.com"
            },
            { ...document, type: "location_of_tomorrow" }
          ]),
          block(". See also.", [])
        ]
      }
    }
  ]
})
