import { assert, describe, it } from "@effect/vitest"
import * as Sentences from "../../../../src/testing/emulator/answering/Sentences.ts"
import * as TextAnswer from "../../../../src/testing/emulator/answering/TextAnswer.ts"

const story =
  "The harbour froze in January. Ships waited outside the harbour for a month. The mayor of the town hired men to cut " +
  "the ice. Children skated on the river. In the end the ice broke by itself."

describe("TextAnswer.answer", () => {
  it("quotes the requested number of sentences, in the order of the prompt", () => {
    for (const [request, count] of [
      ["Summarize in one sentence.", 1],
      ["Summarize in two sentences.", 2],
      ["Please write 4 sentences about this:", 4]
    ] as const) {
      const quoted = Sentences.split(answer(`${request}\n\n${story}`)).map(({ text }) => text)
      assert.strictEqual(quoted.length, count)
      const places = quoted.map((text) => story.indexOf(text))
      assert.notInclude(places, -1)
      assert.deepStrictEqual(
        places,
        places.toSorted((a, b) => a - b)
      )
    }
  })

  it("takes the number from the system prompt if the message has none", () => {
    assert.lengthOf(Sentences.split(answer(story, "Answer in two sentences.")), 2)
  })

  it("prefers sentences that share words with the question", () => {
    assert.strictEqual(
      answer(`In one sentence, whom did the mayor hire?\n\n${story}`),
      "The mayor of the town hired men to cut the ice."
    )
  })

  it("returns all sentences if the prompt has fewer", () => {
    assert.strictEqual(answer("Summarize in three sentences.\n\nIt rained."), "It rained.")
  })

  it("returns text even for a prompt without words", () => {
    assert.match(answer("?!"), /^This is an emulator/)
  })
})

const answer = (message: string, system = "") => TextAnswer.answer(Sentences.read(system, message))
