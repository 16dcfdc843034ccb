/**
 * The limits of a loop. They are checked after each turn that calls tools, and before the value of a schema is asked for: if
 * one is reached, no tool of that turn runs and Claude is not asked again. So the last turn may exceed the limits of tokens and cost; use `Budget` for a hard limit.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Cost from "../../claude/Cost.ts"
import * as Dollars from "../../claude/Dollars.ts"
import type { Request } from "../../claude/Request.ts"
import { sum, totalInput, Usage, zero } from "../../claude/Usage.ts"
import type { TextReply, Turn } from "../turn.ts"

/** When the loop stops. */
export interface Limits {
  /** Turns of Claude, the one for the value of a schema included; 20 by default. */
  readonly turns?: number
  /** Tokens of all turns: input (from the prompt cache too) and output. */
  readonly tokens?: number
  /**
   * US dollars of all turns, such as `"0.50 USD"`. Replies from a cache cost nothing. The replies that a resumed row of a
   * job replays count with their price, so that it stops where it would have stopped without the interruption.
   */
  readonly cost?: `${number} USD`
}

const Messages = Schema.declare((value): value is Request["messages"] => Array.isArray(value))
const Dollar = Schema.declare(BigDecimal.isBigDecimal)

/**
 * A limit was reached while Claude still called tools, or before the turn for the value of a schema. `messages` is the conversation so far, in which each open call has
 * a result that says it did not run: pass it to another call to continue. `usage` and `cost` cover all turns.
 */
export class ToolLimitReached extends Schema.TaggedError<ToolLimitReached>()("ToolLimitReached", {
  limit: Schema.Literals(["turns", "tokens", "cost"]),
  detail: Schema.String,
  turns: Schema.Int,
  usage: Usage,
  cost: Schema.UndefinedOr(Dollar),
  messages: Messages
}) {
  override get message() {
    return `${this.detail}; raise limits.${this.limit}, or continue with the messages of this error`
  }
  /** The form for loggers, without the conversation. */
  override toJSON() {
    const { limit, message, turns, usage } = this
    return { _tag: this._tag, message, limit, turns, usage }
  }
}

/** A limit that was reached. */
export interface Reached {
  readonly limit: ToolLimitReached["limit"]
  readonly detail: string
}

/** Finds the limit that the totals of `taken` turns have reached; undefined if another turn may follow. */
export type Check = (taken: number, totals: Pick<TextReply, "cost" | "usage">) => Reached | undefined

/** Checks these limits. An amount of money that cannot be read is a defect at once. */
export const make = ({ cost: most, tokens = Infinity, turns = 20 }: Limits): Check => {
  const dollars = most === undefined ? undefined : fromText(most)
  return (taken, { cost, usage }) => {
    if (taken >= turns) return { limit: "turns", detail: `Claude called tools in each of ${turns} turns` }
    const all = sum(zero, usage)
    const used = totalInput(all) + all.output
    if (used >= tokens) return { limit: "tokens", detail: `${used} tokens were used, and the limit is ${tokens}` }
    if (dollars === undefined) return undefined
    if (cost === undefined) return { limit: "cost", detail: "the cost is unknown, because a model has no known price" }
    if (BigDecimal.isLessThan(cost, dollars)) return undefined
    return { limit: "cost", detail: `${Dollars.format(cost)} were spent, and the limit is ${Dollars.format(dollars)}` }
  }
}

/** No cost. */
export const nothing: TextReply["cost"] = BigDecimal.fromBigInt(0n)

/** Adds what a turn has cost, now or in an earlier run. */
export const add = (spent: TextReply["cost"], turn: Turn): Effect.Effect<TextReply["cost"]> =>
  Effect.map(DateTime.nowAsDate, (now) => {
    const costs = turn.map((part) =>
      part.origin === "journal" ? Cost.bill(part.message, now).cost : Cost.billed(part, now)
    )
    return Cost.sum([spent, ...costs])
  })

/** The text is a constant of the program, so an invalid one is a defect. */
const fromText = (text: string): BigDecimal.BigDecimal =>
  Option.getOrThrowWith(
    Option.filter(BigDecimal.fromString(text.replace(/ *USD$/i, "")), Predicate.not(BigDecimal.isNegative)),
    () => new Error(`${JSON.stringify(text)} is not an amount of money: write it as "0.50 USD"`)
  )
