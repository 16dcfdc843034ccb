/**
 * The messages for a test whose replies do not match its calls. They quote prompts and replies, which belong to the test.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Request } from "../../claude/Request.ts"
import { type Given, isReason } from "./Answer.ts"
import { promptText } from "./Message.ts"

/** The mistake, and the last calls. */
export const explain = (detail: string, calls: ReadonlyArray<Request>): string =>
  ["TestClaude: " + detail, "Calls:", ...linesOf(calls)].join("\n")

/** No rule matches the call. */
export const unanswered = (call: number) =>
  `call ${call} has no reply: no reply given to TestClaude.layer matches it.
Add a matching TestClaude.when(/pattern/, reply), or a default reply at the end.`

/** The list of replies is used up. */
export const usedUp = (call: number, length: number) =>
  `call ${call} has no reply: all ${length} replies of its list are used.
Add a reply to the list, find out why the program makes another call, or give one reply for all calls.`

/** The list of replies still answers another call. */
export const overlap = (call: number, inFlight: number) =>
  `call ${call} started while call ${inFlight} was in flight, and both take their reply from one list.
The order of concurrent calls varies, so a list would mix up their replies.
Choose replies by request: use TestClaude.when(/pattern/, reply) or a function of the request.`

/** The program ended without using these replies. */
export const leftover = (left: ReadonlyArray<Given>) =>
  `${left.length === 1 ? "1 reply was" : `${left.length} replies were`} not used: ${left.map(describe).join(", ")}.
Remove unused replies from the list, or find out why the program made fewer calls.`

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

/** The first line of the last message of a call. */
const asked = ({ messages }: Request): string => quote(promptText({ messages: messages.slice(-1) }))

const quote = (text: string) => {
  const [line = ""] = text.split("\n")
  return JSON.stringify(line.length > 60 ? `${line.slice(0, 59)}…` : line)
}
