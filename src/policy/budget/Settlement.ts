/**
 * The cost of a call that has ended: its bill, or the most that it may have been billed. A failure that the API reports
 * is free; a broken connection is not, because the API may have answered.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Exit from "effect/Exit"
import { errorOf, type Outcome } from "../../claude/Admission.ts"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import * as Cost from "../../claude/Cost.ts"
import { isBilled } from "../../claude/Reply.ts"
import { neverArrived } from "../../claude/Unreachable.ts"
import type { Unit } from "../../claude/SpendStore.ts"
import * as Usage from "../../claude/Usage.ts"

/** The usage that was billed; `nothing`, or `unknown` where an answer may have been billed that did not arrive. */
export type Settlement = { readonly model: string; readonly usage: Usage.Usage } | "nothing" | "unknown"

/** How a call that was sent settles. `model` is the one that was asked. */
export const of = ({ exit, facts, message }: Outcome, model: string): Settlement => {
  if (facts !== undefined && !isBilled(facts.origin)) return "nothing"
  if (Exit.isFailure(exit)) {
    const error = errorOf({ exit })
    return error === undefined ? "unknown" : ofFailure(error, model)
  }
  return message === undefined ? "unknown" : { model: message.model, usage: Usage.billed(message) }
}

const ofFailure = (error: ClaudeError, model: string): Settlement => {
  const { reason } = error
  // The reasons with a text are about an answer that has arrived whole.
  if ("text" in reason) return reason.usage === undefined ? "unknown" : { model, usage: reason.usage }
  // A stream that breaks reports the usage of its beginning.
  if (reason.usage !== undefined) return "unknown"
  // A batch that the API no longer finds may have answered.
  const isLost = reason._tag === "BatchItemLost" && reason.how === "unknown"
  return isLost || gatewayTimeouts.has(reason.status) || (mayBeBilled.has(reason._tag) && !neverArrived(error))
    ? "unknown"
    : "nothing"
}

const mayBeBilled: ReadonlySet<string> = new Set([
  "ConnectionFailed",
  "TimedOut",
  "StreamInterrupted",
  "MalformedResponse"
])

/** A gateway gave up waiting (524: Cloudflare's), and the API may answer all the same. */
const gatewayTimeouts: ReadonlySet<number | undefined> = new Set([504, 524])

/** The amount of a settlement. `most` is what the call may have cost. */
export const amount = (settlement: Settlement, unit: Unit, most: BigDecimal.BigDecimal, at: Date) => {
  if (settlement === "unknown") return most
  if (settlement === "nothing") return zero
  // A call without a known price, such as one of another tier, counts as the most that it may have cost.
  return unit === "tokens" ? tokensOf(settlement.usage) : (Cost.of({ ...settlement, at }) ?? most)
}

const zero = BigDecimal.fromBigInt(0n)

const tokensOf = (usage: Usage.Usage) => {
  const all = Usage.sum(usage, Usage.zero)
  return BigDecimal.fromBigInt(BigInt(Usage.totalInput(all) + all.output))
}
