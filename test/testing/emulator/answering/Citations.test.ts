import { assert, describe, it } from "@effect/vitest"
import * as Citations from "../../../../src/testing/emulator/answering/Citations.ts"

const document = (data: string, fields = {}) => ({
  type: "document",
  source: { type: "text", media_type: "text/plain", data },
  citations: { enabled: true },
  ...fields
})

const ask = (...content: ReadonlyArray<unknown>) => [{ role: "user", content }]

describe("Citations.cite", () => {
  it("makes a block of each sentence that a document has, with its place", () => {
    const documents = [
      document("Of old.", { citations: null }),
      document("Ice (cold)\nbroke. It rained.", { title: "Log" })
    ]
    const location = { type: "char_location", document_index: 1, document_title: "Log", file_id: null }
    assert.deepStrictEqual(Citations.cite("So: nothing. Ice (cold) broke. It rained. Of old.", ask(...documents)), [
      { type: "text", text: "So: nothing. " },
      {
        type: "text",
        text: "Ice (cold) broke.",
        citations: [{ ...location, cited_text: "Ice (cold)\nbroke.", start_char_index: 0, end_char_index: 17 }]
      },
      { type: "text", text: " " },
      {
        type: "text",
        text: "It rained.",
        citations: [{ ...location, cited_text: "It rained.", start_char_index: 18, end_char_index: 28 }]
      },
      { type: "text", text: " Of old." }
    ])
  })

  it("cites nothing where no document enables citations", () => {
    const blocks = [{ type: "text", text: "It rained. Then not." }]
    assert.deepStrictEqual(Citations.cite("It rained. Then not.", [{ role: "user", content: "It rained." }]), blocks)
    const messages = ask(document("It rained.", { citations: { enabled: false } }))
    assert.deepStrictEqual(Citations.cite("It rained. Then not.", messages), blocks)
  })
})
