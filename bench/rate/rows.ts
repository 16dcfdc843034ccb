/**
 * The rows of the bench: each mix of sizes makes another limit bind. A prompt names its own size, so that every server
 * counts the same tokens, and is as long as such a text would be: 2.8 to 4.6 characters a token.
 */

/** The three limits, in the order of the API. */
export const kinds = ["requests", "input", "output"] as const
export type Kind = (typeof kinds)[number]
export type Amounts = { readonly [kind in Kind]: number }

/** One call: its tokens, and the text that asks for them. */
export interface Row {
  readonly input: number
  readonly output: number
  readonly prompt: string
}

/** Tokens of a row: from and to, with as many rows between 100 and 200 as between 200 and 400. */
interface Sizes {
  readonly input: readonly [number, number]
  readonly output: readonly [number, number]
}

const small: Sizes = { input: [40, 200], output: [8, 60] }
const long: Sizes = { input: [500, 6000], output: [10, 90] }
const wordy: Sizes = { input: [60, 400], output: [50, 1500] }

/** The mixes, by the limit that binds at 600 requests, 300,000 input and 60,000 output tokens a minute. */
export const mixes: Readonly<Record<string, ReadonlyArray<Sizes>>> = {
  requests: [small],
  input: [long],
  output: [wordy],
  all: [small, long, wordy]
}

export const model = "claude-sonnet-5"
export const maxTokens = 2048

/** A number of 0 to 1 that depends on the row and on what it is for (mulberry32). */
const fraction = (row: number, purpose: number): number => {
  let bits = (row * 8 + purpose + 1) * 0x6d2b79f5
  bits = Math.imul(bits ^ (bits >>> 15), bits | 1)
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
}

const between = ([from, to]: readonly [number, number], fraction: number) => Math.round(from * (to / from) ** fraction)

const words = "The quick brown fox jumps over the lazy dog while seven wizards box in the quiet yard. "

const rowOf = (mix: ReadonlyArray<Sizes>, row: number): Row => {
  const sizes = mix[Math.floor(fraction(row, 0) * mix.length)] ?? small
  const input = between(sizes.input, fraction(row, 1))
  const output = between(sizes.output, fraction(row, 2))
  const length = input * (2.8 + 1.8 * fraction(row, 3))
  const head = `row ${row} input ${input} output ${output}. `
  return { input, output, prompt: (head + words.repeat(length / words.length + 1)).slice(0, length) }
}

/** The tokens that a request names. */
export const sizesIn = (body: string): { readonly input: number; readonly output: number } => {
  const [, input, output] = /row \d+ input (\d+) output (\d+)/.exec(body) ?? []
  return { input: Number(input ?? 10), output: Number(output ?? 10) }
}

/** The rows that fit into these amounts. */
export const rows = (mix: string, fit: Amounts): ReadonlyArray<Row> => {
  const sizes = mixes[mix]
  if (sizes === undefined) throw new Error(`there is no mix "${mix}"; use ${Object.keys(mixes).join(", ")}`)
  const all: Array<Row> = []
  const left = { ...fit }
  for (;;) {
    const row = rowOf(sizes, all.length)
    left.requests -= 1
    left.input -= row.input
    left.output -= row.output
    if (Math.min(left.requests, left.input, left.output) < 0) return all
    all.push(row)
  }
}

/** A tenth more than what limits permit in a time, so that no subject runs out of work before the time is over. */
export const fitting = ({ burst, changes, limits }: Limited, minutes: number): Amounts => {
  const times = 1.1 * (minutes + burst / 60) * Math.max(1, ...changes.map(({ factor }) => factor))
  return { requests: limits.requests * times, input: limits.input * times, output: limits.output * times }
}

interface Limited {
  readonly limits: Amounts
  readonly burst: number
  readonly changes: ReadonlyArray<{ readonly factor: number }>
}
