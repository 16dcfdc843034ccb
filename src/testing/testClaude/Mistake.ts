/**
 * What a tester reads when replies and calls do not come out even. It quotes prompts and replies: they are of the test.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Request } from "../../claude/Request.ts"
import { type Given, isReason } from "./Answer.ts"
import { promptText } from "./Message.ts"

/** The mistake, and the last calls that were made. */
export const explain = (detail: string, calls: ReadonlyArray<Request>): string =>
  ["TestClaude: " + detail, "Calls:", ...linesOf(calls)].join("\n")

/** No reply is for this call. */
export const unanswered = (call: number) =>
  `call ${call} has no reply, since nothing given to TestClaude.layer applies to it.
Add a TestClaude.when(/pattern/, reply) that does, or at the end a reply to all others.`

/** The list that is to answer has no reply left. */
export const dry = (call: number, length: number) =>
  `call ${call} has no reply, since its list of ${length} has run dry.
Add a reply to the list, find out why the program asks once more, or give one reply to every call.`

/** The list that is to answer is still answering another call. */
export const overlap = (call: number, inFlight: number) =>
  `call ${call} came while call ${inFlight} was in flight, and one list is to answer both.
Calls that overlap come in no certain order, so neither would their replies.
Give each its reply by what it asks, with TestClaude.when(/pattern/, reply) or a function of the request.`

/** The program has come to its end without these replies. */
export const leftover = (left: ReadonlyArray<Given>) =>
  `${left.length === 1 ? "a reply was" : `${left.length} replies were`} left over: ${left.map(describe).join(", ")}.
Take what is left out of the list, or find out why the program did not ask for it.`

const describe = (given: Given): string => {
  if (typeof given === "string") return quote(given)
  if (Effect.isEffect(given)) return "an effect"
  if (Stream.isStream(given)) return "a stream"
  return isReason(given) ? given._tag : quote(JSON.stringify(given))
}

const linesOf = (calls: ReadonlyArray<Request>): ReadonlyArray<string> => {
  const hidden = Math.max(0, calls.length - 20)
  const lines = calls.slice(hidden).map((call, index) => `  ${hidden + index + 1}. ${call.model} ${asked(call)}`)
  if (lines.length === 0) return ["  none"]
  return hidden === 0 ? lines : [`  … ${hidden} more`, ...lines]
}

/** What a call asked last: its first line. */
const asked = ({ messages }: Request): string => quote(promptText({ messages: messages.slice(-1) }))

const quote = (text: string) => {
  const [line = ""] = text.split("\n")
  return JSON.stringify(line.length > 60 ? `${line.slice(0, 59)}…` : line)
}
