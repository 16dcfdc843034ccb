import { assert, describe, it } from "@effect/vitest"
import * as Cited from "../../src/claude/Cited.ts"

describe("documents with citations", () => {
  it("are found in messages and in results of tools", () => {
    assert.isTrue(Cited.has([{ role: "user", content: [document(true)] }]))
    assert.isTrue(
      Cited.has([{ role: "user", content: [{ type: "tool_result", tool_use_id: "1", content: [document(true)] }] }])
    )
    assert.isFalse(Cited.has([{ role: "user", content: [document(false)] }]))
    assert.isFalse(Cited.has([{ role: "user", content: "x" }]))
  })

  it("lose their citations, and so do the texts that name their places", () => {
    const place = {
      type: "char_location" as const,
      cited_text: "x",
      document_index: 0,
      document_title: null,
      start_char_index: 0,
      end_char_index: 1
    }
    const found = {
      type: "web_search_result_location" as const,
      cited_text: "x",
      encrypted_index: "e",
      title: null,
      url: "u"
    }
    const text = { type: "text" as const, text: "x" }
    const messages = Cited.without([
      {
        role: "user",
        content: [document(true), { type: "tool_result", tool_use_id: "1", content: [document(true), text] }]
      },
      { role: "assistant", content: [{ ...text, citations: [place] }, { ...text, citations: [found] }, text] }
    ])
    assert.isFalse(Cited.has(messages))
    assert.deepStrictEqual(messages[0]?.content, [
      document(false),
      { type: "tool_result", tool_use_id: "1", content: [document(false), text] }
    ])
    assert.deepStrictEqual(messages[1]?.content, [{ ...text, citations: null }, { ...text, citations: [found] }, text])
  })

  it("leave messages without them as they are", () => {
    const messages = [{ role: "user" as const, content: [document(false)] }]
    assert.deepStrictEqual(Cited.without(messages), messages)
  })
})

// Builders

const document = (enabled: boolean) => ({
  type: "document" as const,
  source: { type: "text" as const, media_type: "text/plain" as const, data: "x" },
  citations: { enabled }
})
