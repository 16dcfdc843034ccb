/**
 * Decides how many old turns a request leaves out. Leaving turns out changes the beginning of the prompt, so the API
 * writes the rest to its prompt cache again. So it trims rarely and deeply, always before a user message. Where
 * each request left out the oldest turn instead, 40 turns of a conversation cost 3.3 times as much.
 */
import type { Request } from "../../claude/Request.ts"
import * as TokenEstimate from "../../claude/TokenEstimate.ts"
import { type History, type Message, start } from "./History.ts"

/** When to leave out old turns, and how many. */
export interface Trim {
  /**
   * The most tokens that a prompt may have before old turns are left out. It must be much larger than tools and system
   * prompt together: these are always sent.
   */
  readonly above: number
  /** The share of the turns that is kept then, by their tokens; a quarter by default. The last turn is always kept. */
  readonly keep?: number
}

/**
 * The index of the first turn to send with a user message. The API has counted the tokens of the last request, so no
 * call is needed; an estimate divides them among the turns. Imported turns have only the estimate.
 */
export const firstTurn = (
  history: History,
  settings: Request,
  message: Message,
  { above, keep = 0.25 }: Trim
): number => {
  const from = start(history)
  const { turns } = history
  const weigh = (messages: ReadonlyArray<Message>) =>
    TokenEstimate.of({ model: settings.model, max_tokens: 1, messages: [...messages] })
  const counted = turns.at(-1)?.tokens
  const added = weigh([message])
  if (counted !== undefined && counted + added <= above) return from
  const fixed = TokenEstimate.of({ ...settings, messages: [] })
  const weights = turns.slice(from).map((turn) => weigh(turn.messages))
  const estimated = fixed + sum(weights)
  const scale = counted === undefined ? 1 : counted / estimated
  if (estimated * scale + added <= above) return from
  const room = keep * (above - fixed * scale - added)
  let first = turns.length - 1
  let kept = (weights.at(-1) ?? 0) * scale
  while (first > from) {
    kept += (weights[first - 1 - from] ?? 0) * scale
    if (kept > room) break
    first--
  }
  return Math.max(first, from)
}

const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((total, number) => total + number, 0)
