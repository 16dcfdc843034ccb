/**
 * Answers in prose: the sentences of the prompt that fit the question best, in the order of the prompt, and as many as
 * the question asks for. It only quotes: it knows no answers.
 */
import { memoize } from "effect/Function"
import { common, type Material, type Sentence, sentenceCount } from "./Sentences.ts"

const defaultCount = 3

/** Claude always answers in text; an image alone has no sentence to quote. */
const nothingToQuote = "This is an emulator: it quotes the text of a prompt, and this prompt has none."

/** The answer to a prompt. */
export const answer = (material: Material): string => {
  if (material.sentences.length === 0) return nothingToQuote
  const wanted = material.task.map(sentenceCount).findLast((count) => count !== undefined)
  return ranked(material)
    .slice(0, wanted ?? defaultCount)
    .toSorted((a, b) => a.position - b.position)
    .map(({ sentence }, _, all) => (all.length > 1 ? closed(sentence.text) : sentence.text))
    .join(" ")
}

/** The sentences that can be quoted, the best first. */
export const bestFirst = memoize((material: Material): ReadonlyArray<Sentence> =>
  ranked(material).map(({ sentence }) => sentence)
)

const ranked = ({ sentences, task }: Material) => {
  const asked = new Set(task.flatMap((sentence) => sentence.words).filter((word) => !common.has(word)))
  const frequency = new Map<string, number>()
  for (const sentence of sentences) {
    for (const word of sentence.words) if (!common.has(word)) frequency.set(word, (frequency.get(word) ?? 0) + 1)
  }
  const weigh = (word: string) => Math.log(1 + (frequency.get(word) ?? 0)) + (asked.has(word) ? 2 : 0)
  return sentences
    .map((sentence, position) => {
      let weight = 0
      for (const word of new Set(sentence.words)) if (!common.has(word)) weight += weigh(word)
      // Per word, so that long sentences do not win by length alone; fragments say little.
      const score = weight / (8 + sentence.words.length)
      return { sentence, position, score: isWhole(sentence.text) ? score : score / 4 }
    })
    .toSorted((a, b) => b.score - a.score || a.position - b.position)
}

/** Whether a text is one sentence: it ends as one, and no other sentence ends within it. */
const isWhole = (text: string) => /[.!?。！？]["'”’)\]]*$/.test(text) && !/[.!?;:]["'”’)\]]*\s|\n/.test(text)

const closed = (sentence: string) => (/[.!?。！？]["'”’)\]]*$/.test(sentence) ? sentence : `${sentence}.`)
