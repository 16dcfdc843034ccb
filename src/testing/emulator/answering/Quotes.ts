/**
 * Finds the sentences of a prompt that mention a property, by the words of its name or its description, and quotes
 * parts of them.
 */
import { memoize } from "effect/Function"
import { common, type Material, type Sentence, words } from "./Sentences.ts"

/** The words of a property; the words of its name count for more. */
export interface About {
  readonly name: ReadonlySet<string>
  readonly description: ReadonlySet<string>
}

/** The words in the name and the description of a property. */
export const about = (name: string, description: string): About => ({
  name: telling(name),
  description: telling(description)
})

const telling = (text: string): ReadonlySet<string> => {
  const all = words(text)
  const some = all.filter((word) => !common.has(word))
  return new Set(some.length > 0 ? some : all)
}

const weigh = (word: string, { name, description }: About) => (name.has(word) ? 2 : description.has(word) ? 1 : 0)

/**
 * The sentences that share a word with a property, those that share the most first. The task is quoted only where the
 * material has no such sentence.
 */
export const matching = (material: Material, property: About): ReadonlyArray<Sentence> => {
  for (const sentences of [material.sentences, material.task]) {
    const scores = new Map<Sentence, number>()
    for (const word of new Set([...property.name, ...property.description])) {
      for (const sentence of positions(sentences).get(word) ?? []) {
        scores.set(sentence, (scores.get(sentence) ?? 0) + weigh(word, property))
      }
    }
    if (scores.size > 0) return [...scores].toSorted((a, b) => b[1] - a[1]).map(([sentence]) => sentence)
  }
  return []
}

/** The sentences that contain each word. */
const positions = memoize((sentences: ReadonlyArray<Sentence>): ReadonlyMap<string, ReadonlyArray<Sentence>> => {
  const index = new Map<string, Array<Sentence>>()
  for (const sentence of sentences) {
    for (const word of new Set(sentence.words)) {
      const known = index.get(word)
      if (known === undefined) index.set(word, [sentence])
      else known.push(sentence)
    }
  }
  return index
})

/** Whether a sentence names a value, such as an option of an enumeration. */
export const names = (sentence: Sentence, value: unknown): boolean => {
  const [first, ...rest] = words(String(value))
  if (first === undefined) return false
  return sentence.words.some(
    (word, at) => word === first && rest.every((next, offset) => sentence.words[at + 1 + offset] === next)
  )
}

const longest = 160

/** The part of a sentence to quote: "Ann Lee" of `Name: Ann Lee`, the clause that shares the most of a long one. */
export const phrase = (sentence: Sentence, property: About | undefined): string => {
  const [, label = "", labelled] = /^[^\p{L}\p{N}]*([^:=]{1,40})[:=]\s*(\S.*)$/u.exec(sentence.text) ?? []
  if (labelled !== undefined && words(label).some((word) => property?.name.has(word))) return labelled
  if (sentence.text.length <= longest) return sentence.text
  const shared = (clause: string) => words(clause).filter((word) => property && weigh(word, property) > 0).length
  const worth = (clause: string) => shared(clause) * longest + Math.min(clause.length, longest)
  const best = sentence.text.split(/(?<=[,;:—–])\s+/).reduce((a, b) => (worth(b) > worth(a) ? b : a))
  return best.length <= longest ? best.replace(/[,;:—–]$/, "") : best.slice(0, longest).replace(/\s+\S*$/, "")
}

const numeral = /(?<![\w.-])-?\d+(?:,\d{3})*(?:\.\d+)?/g

/** The numbers of a sentence, those nearest to a word of the property first. */
export const numbers = ({ text }: Sentence, property: About | undefined): ReadonlyArray<number> => {
  const found = [...text.matchAll(numeral)]
  if (found.length === 0) return []
  const places = [...text.matchAll(/\p{L}+/gu)].filter(([word]) => property && weigh(word.toLowerCase(), property) > 0)
  const distance = (at: number) => places.reduce((least, { index }) => Math.min(least, Math.abs(index - at)), Infinity)
  return found
    .map((match) => ({ n: Number(match[0].replaceAll(",", "")), away: distance(match.index) }))
    .toSorted((a, b) => (a.away === b.away ? 0 : a.away - b.away))
    .map(({ n }) => n)
}

/** Short runs of meaningful words, those with the most frequent words first. */
export const keyPhrases = (
  quoted: ReadonlyArray<Sentence>,
  material: Material,
  property: About | undefined
): ReadonlyArray<string> => {
  const index = positions(material.sentences)
  const found = new Map<string, { readonly text: string; readonly score: number }>()
  for (const { text } of quoted) {
    for (const clause of text.match(/[\p{L}\p{N}'’-]+(?: [\p{L}\p{N}'’-]+)*/gu) ?? []) {
      for (const run of runs(clause)) {
        const parts = words(run)
        if (parts.some((word) => property?.name.has(word))) continue
        const score = parts.reduce((sum, word) => sum + Math.log(1 + (index.get(word)?.length ?? 0)), 0)
        found.set(parts.join(" "), { text: run, score })
      }
    }
  }
  return [...found.values()].toSorted((a, b) => b.score - a.score).map(({ text }) => text)
}

/** Pieces of at most three words, cut at common and at short words. */
const runs = (clause: string): ReadonlyArray<string> => {
  const pieces: Array<Array<string>> = [[]]
  for (const word of clause.split(" ")) {
    const last = pieces.at(-1)
    if (word.length < 3 || common.has(word.toLowerCase())) pieces.push([])
    else if (last === undefined || last.length === 3) pieces.push([word])
    else last.push(word)
  }
  return pieces.filter((piece) => piece.length > 0).map((piece) => piece.join(" "))
}
