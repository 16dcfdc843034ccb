/**
 * What the emulator says to a call: text that quotes the prompt, or JSON that satisfies the requested schema; cut at
 * `max_tokens` and at stop sequences; with the usage that it is billed for. The same call is always answered the same.
 */
import * as Effect from "effect/Effect"
import type * as Ledger from "./Ledger.ts"
import type { Options } from "./Options.ts"
import * as SchemaAnswer from "./SchemaAnswer.ts"
import * as Sentences from "./Sentences.ts"
import * as TextAnswer from "./TextAnswer.ts"
import * as Tokens from "./Tokens.ts"
import type { Call } from "./Validation.ts"

/** An answer, as tokens. */
export interface Answer {
  readonly tokens: ReadonlyArray<string>
  readonly stopReason: "end_turn" | "max_tokens" | "stop_sequence"
  readonly stopSequence: string | null
  readonly usage: Ledger.Usage
}

/** How this emulator answers calls. What it remembers between them belongs in here. */
export const make =
  (_options: Options) =>
  (call: Call): Effect.Effect<Answer> =>
    Effect.sync(() => answer(call))

const answer = (call: Call): Answer => {
  const material = Sentences.read(call.prompt.system, call.prompt.message)
  const full =
    call.schema === undefined ? TextAnswer.answer(material) : JSON.stringify(SchemaAnswer.answer(call.schema, material))
  const [text, stopSequence] = stop(full, call.stopSequences)
  const all = Tokens.split(text)
  const tokens = all.slice(0, call.maxTokens)
  const usage = { input_tokens: call.inputTokens, output_tokens: tokens.length }
  if (tokens.length < all.length) return { tokens, stopReason: "max_tokens", stopSequence: null, usage }
  return { tokens, stopReason: stopSequence === null ? "end_turn" : "stop_sequence", stopSequence, usage }
}

/** The text before the stop sequence that comes first, and that sequence. */
const stop = (text: string, sequences: ReadonlyArray<string>): readonly [string, string | null] => {
  let first: readonly [number, string] | undefined
  for (const sequence of sequences) {
    const at = sequence === "" ? -1 : text.indexOf(sequence)
    if (at !== -1 && (first === undefined || at < first[0])) first = [at, sequence]
  }
  return first === undefined ? [text, null] : [text.slice(0, first[0]), first[1]]
}
