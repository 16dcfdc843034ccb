import { assert, describe, it } from "@effect/vitest"
import * as Blocks from "../../../../src/testing/emulator/answering/Blocks.ts"

describe("Blocks.cut", () => {
  it("splits text and tool input into pieces of four tokens, and starts tool input with an empty piece", () => {
    const { blocks, isCut } = Blocks.cut([text("The cat sat on the mat."), call], 100)
    assert.isFalse(isCut)
    assert.strictEqual(Blocks.count(blocks), 6 + 2 + 5)
    assert.deepStrictEqual(
      blocks.map(({ start }) => start),
      [text(""), { ...call, input: {} }]
    )
    assert.deepStrictEqual(
      blocks.flatMap(({ deltas }) => deltas.map(({ delta }) => delta["text"] ?? delta["partial_json"])),
      ["The cat sat on t", "he mat.", "", '{"city":"Berlin"', "}"]
    )
  })

  it("truncates in the middle of a block, and drops the rest", () => {
    const { blocks, isCut } = Blocks.cut([text("The cat sat on the mat."), call, text("More.")], 10)
    assert.isTrue(isCut)
    assert.deepStrictEqual(
      blocks.map(({ whole }) => whole),
      [text("The cat sat on the mat."), { ...call, input: {} }]
    )
    assert.strictEqual(blocks[1]?.deltas.map(({ delta }) => delta["partial_json"]).join(""), '{"city":')
  })

  it("counts the name of a tool call, and can truncate after it", () => {
    const bare = { ...call, input: {} }
    const { blocks, isCut } = Blocks.cut([bare], 2)
    assert.deepStrictEqual([Blocks.count(blocks), isCut], [2, false])
    assert.deepStrictEqual(Blocks.cut([bare], 1).isCut, true)
    assert.deepStrictEqual(Blocks.cut([call], 2).isCut, true)
  })

  it("starts no block when no token is left", () => {
    const { blocks, isCut } = Blocks.cut([text("The cat sat on the mat."), call], 6)
    assert.deepStrictEqual([blocks.length, isCut], [1, true])
    assert.deepStrictEqual(Blocks.cut([{ type: "brand_new" }, call], 0), { blocks: [], isCut: true })
  })

  it("sends thinking before its signature, and citations before their text", () => {
    const thinking = { type: "thinking", thinking: "Hm.", signature: "c2ln" }
    const cited = { ...text("Warm."), citations: [{ type: "char_location" }] }
    const { blocks } = Blocks.cut([thinking, cited], 100)
    assert.deepStrictEqual(
      blocks.map(({ start }) => start),
      [
        { type: "thinking", thinking: "", signature: "" },
        { ...text(""), citations: [] }
      ]
    )
    assert.deepStrictEqual(
      blocks.flatMap(({ deltas }) => deltas.map(({ delta }) => delta.type)),
      ["thinking_delta", "signature_delta", "citations_delta", "text_delta"]
    )
  })

  it("sends unknown blocks in one piece, and does not count them", () => {
    const unknown = { type: "brand_new", content: [1, 2] }
    const { blocks, isCut } = Blocks.cut([unknown], 1)
    assert.deepStrictEqual(
      { blocks, isCut },
      { blocks: [{ whole: unknown, start: unknown, deltas: [] }], isCut: false }
    )
  })
})

const text = (text: string) => ({ type: "text", text })

const call = { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Berlin" } }
