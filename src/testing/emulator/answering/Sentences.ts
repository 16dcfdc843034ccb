/**
 * Splits prompts into sentences: the task, and the material that can be quoted. The emulator knows little of language:
 * punctuation, line breaks, a list of common words.
 */

/** A sentence of the prompt, white space normalised, and its words in lower case. */
export interface Sentence {
  readonly text: string
  readonly words: ReadonlyArray<string>
}

/** A prompt. Where every sentence reads like a task, the material is the task. */
export interface Material {
  readonly task: ReadonlyArray<Sentence>
  readonly sentences: ReadonlyArray<Sentence>
}

const tags = /<\/?[a-z][\w-]*(?:\s[^<>]*)?>/gi
const boundary =
  /[.!?]+["'”’)\]]*\s+(?=["'“‘([]*[\p{Lu}\p{N}])|[。！？]+\s*|\s*\n\s*\n\s*|\s*\n(?=\s*(?:[-*#|>•]|\d+[.)]\s|[\p{L}_ ]{1,30}:))|(?<=^[\p{L}_ ]{1,30}:.*)\n/gmu
const abbreviation = /(?:^|[\s("“.])(?:\p{Lu}|Mr|Mrs|Ms|Dr|St|Nos?|Gen|Gov|Sen|Rep|Hon|Jr|Sr|Inc|Co|Ltd|Mt|vs|etc)$/u
const word = /[\p{L}\p{N}]+(?:['’]\p{L}+)*/gu

/** Cuts a text into sentences. */
export const split = (text: string): ReadonlyArray<Sentence> => {
  // Runs of blanks would make the search for boundaries quadratic.
  const plain = text.replace(tags, "\n\n").replace(/[^\S\n]+/g, " ")
  const sentences: Array<Sentence> = []
  let start = 0
  const push = (end: number) => {
    const sentence = plain.slice(start, end).replace(/\s+/g, " ").trim()
    if (/[\p{L}\p{N}]/u.test(sentence)) sentences.push({ text: sentence, words: words(sentence) })
    start = end
  }
  for (const match of plain.matchAll(boundary)) {
    const endsInDot = match[0].startsWith(".") && !match[0].startsWith("..")
    if (endsInDot && abbreviation.test(plain.slice(Math.max(start, match.index - 8), match.index))) continue
    push(match.index + match[0].length)
  }
  push(plain.length)
  return sentences
}

/** The words of a text in lower case; `orderId` and `order_id` are two words each, `Ann's` is `ann`. */
export const words = (text: string): ReadonlyArray<string> =>
  text
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .replace(/_|['’]s(?!\p{L})/gu, " ")
    .toLowerCase()
    .match(word) ?? []

/** Sorts a system prompt and a user message into task and material. The system prompt comes last: it has the last word. */
export const read = (system: string, message: string): Material => {
  const all = split(message)
  const task: Array<Sentence> = []
  const sentences: Array<Sentence> = []
  all.forEach((sentence, index) => {
    const atAnEdge = index < edge || index >= all.length - edge
    ;(atAnEdge && isTask(sentence) ? task : sentences).push(sentence)
  })
  task.push(...split(system))
  return { task, sentences: sentences.length > 0 ? sentences : all.length > 0 ? all : task }
}

/** Tasks stand before or after a document, not inside it. */
const edge = 6

const imperatives = new Set(
  (
    "answer analyse analyze classify count decide describe determine draft explain extract find focus give identify keep " +
    "label list name output pick rate read rephrase reply report respond return rewrite say score " +
    "select sort state suggest summarise summarize tag tell translate use write"
  ).split(" ")
)

const isTask = (sentence: Sentence): boolean =>
  /[?:]$/.test(sentence.text) ||
  imperatives.has(sentence.words[sentence.words[0] === "please" ? 1 : 0] ?? "") ||
  /^you (are|will|must|should)\b|^your (task|job)\b/i.test(sentence.text) ||
  sentenceCount(sentence) !== undefined

const numerals = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
const requested =
  /\b(an?|one|single|two|three|four|five|six|seven|eight|nine|ten|\d{1,2})(?:[\s-]+(?:single|short|brief|clear|concise|plain|simple|complete|full|long))*[\s-]+sentences?\b/i

/** How many sentences a sentence asks for: "Answer in two short sentences." asks for two. */
export const sentenceCount = (sentence: Sentence): number | undefined => {
  const numeral = requested.exec(sentence.text)?.[1]?.toLowerCase()
  if (numeral === undefined) return undefined
  if (/^\d/.test(numeral)) return Math.max(1, Number(numeral))
  return Math.max(1, numerals.indexOf(numeral) + 1)
}

/** Words that carry no meaning for the search. */
export const common: ReadonlySet<string> = new Set(
  (
    "a about above after again all also am an and any are as at be been before being below between both but by can " +
    "could did do does doing down during each else ever every few for from further get had has have having he her here " +
    "hers him his how i if in into is it its just let like made make many may me might more most much must my no nor " +
    "not now of off on once one only or other our out over own per same shall she should so some such than that the " +
    "their them then there these they this those through to too under until up upon us use used very was we were what " +
    "when where which while who whom whose why will with within without would yes yet you your"
  ).split(" ")
)
