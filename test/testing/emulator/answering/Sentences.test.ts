import { assert, describe, it } from "@effect/vitest"
import * as Sentences from "../../../../src/testing/emulator/answering/Sentences.ts"

describe("Sentences.split", () => {
  it("splits at the ends of sentences, but not at abbreviations, initials or decimals", () => {
    const text = 'Mr. J. Doe paid 3.50 dollars. "Really?" The U.S. Navy said so! It was 5 p.m. on Monday.'
    assert.deepStrictEqual(texts(text), [
      "Mr. J. Doe paid 3.50 dollars.",
      '"Really?"',
      "The U.S. Navy said so!",
      "It was 5 p.m. on Monday."
    ])
  })

  it("splits at blank lines, list items and labelled lines, and joins wrapped lines", () => {
    const text = "A heading\n\nOne line\ngoes on.\n- first\n- second\nName: Ann Lee\nTotal: 42"
    assert.deepStrictEqual(texts(text), [
      "A heading",
      "One line goes on.",
      "- first",
      "- second",
      "Name: Ann Lee",
      "Total: 42"
    ])
  })

  it("leaves markup and separators out", () => {
    assert.deepStrictEqual(texts('<document index="1">Text.</document>\n\n---\n\nMore.'), ["Text.", "More."])
  })

  it("splits at the sentence ends of other scripts", () => {
    assert.deepStrictEqual(texts("猫は寝た。犬は走った。"), ["猫は寝た。", "犬は走った。"])
  })
})

describe("Sentences.read", () => {
  it("separates the task from the quotable text", () => {
    const { sentences, task } = Sentences.read(
      "You are a clerk.",
      "Summarize this in one sentence:\n\nThe cat sat. The dog ran.\n\nWhat did the cat do?"
    )
    assert.deepStrictEqual(plain(sentences), ["The cat sat.", "The dog ran."])
    assert.deepStrictEqual(plain(task), ["Summarize this in one sentence:", "What did the cat do?", "You are a clerk."])
  })

  it("quotes the task if there is no other text", () => {
    assert.deepStrictEqual(plain(Sentences.read("", "Say hello.").sentences), ["Say hello."])
  })

  it("treats a question in the middle of a document as quotable text", () => {
    const filler = Array.from({ length: 8 }, (_, index) => `The house has floor ${index}.`).join(" ")
    const { sentences } = Sentences.read("", `${filler} Who built it? ${filler}`)
    assert.include(plain(sentences), "Who built it?")
  })
})

describe("Sentences.sentenceCount", () => {
  it("reads the requested number of sentences", () => {
    const cases = {
      "Summarize in two sentences.": 2,
      "Answer in a single short sentence.": 1,
      "Use 3 sentences at most.": 3,
      "Write one clear, plain sentence.": undefined,
      "In 2-3 sentences, say why.": 3,
      "One-sentence summary": 1,
      "The sentence was long.": undefined
    }
    for (const [text, count] of Object.entries(cases)) {
      assert.strictEqual(Sentences.split(text).map(Sentences.sentenceCount)[0], count, text)
    }
  })
})

describe("Sentences.words", () => {
  it("splits identifiers into words", () => {
    assert.deepStrictEqual(Sentences.words("orderId shipping_cost Don't Ann's"), [
      "order",
      "id",
      "shipping",
      "cost",
      "don't",
      "ann"
    ])
  })
})

const plain = (sentences: ReadonlyArray<Sentences.Sentence>) => sentences.map(({ text }) => text)
const texts = (text: string) => plain(Sentences.split(text))
