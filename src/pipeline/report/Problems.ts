/**
 * Attempts without a reply, and failed rows, by their reasons.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Schema from "effect/Schema"
import type * as RowFailure from "../RowFailure.ts"
import * as Bounded from "./Bounded.ts"
import type { Attempt, RowLog } from "./RowLog.ts"

/** What went wrong, by reason. */
export const Problems = Schema.Struct({
  /** Attempts without a reply, the most frequent reason first. */
  attempts: Schema.Array(
    Schema.Struct({
      /** The tag of the reason, such as `RateLimited`, or `Interrupted`. */
      reason: Schema.String,
      status: Schema.NullOr(Schema.Int),
      code: Schema.NullOr(Schema.String),
      count: Schema.Int,
      /** Rows with such an attempt, and how many of them have no result. */
      rows: Schema.Int,
      unfinished: Schema.Int,
      cost: Schema.BigDecimalFromString
    })
  ),
  /** Rows that failed when they ran last, the most frequent error first. */
  failures: Schema.Array(
    Schema.Struct({
      error: Schema.String,
      rows: Schema.Int,
      cost: Schema.BigDecimalFromString,
      /** The message of the first row, and the keys of the first rows. */
      message: Schema.String,
      keys: Schema.Array(Schema.String)
    })
  ),
  /** Replies that the program could not use, such as one that does not fit a schema. */
  rejected: Schema.Int
})
export type Problems = typeof Problems.Type

/** Keys that are named as examples. */
const mostKeys = 5

const zero = BigDecimal.fromBigInt(0n)

/** `redact` removes secrets from keys and messages. */
export const make = (redact: (text: string) => string) => {
  const attempts = Bounded.groups(() => ({ count: 0, rows: 0, unfinished: 0, cost: zero, last: -1 }))
  const failures = Bounded.groups(() => ({ rows: 0, cost: zero, message: "", keys: new Array<string>() }))
  let rejected = 0
  return {
    /** `number` counts the rows. */
    attempt: ({ code, cost, reason, status }: Attempt, number: number, isDone: boolean) => {
      const group = attempts.of(JSON.stringify([reason, status, code]))
      group.count += 1
      if (cost !== undefined) group.cost = BigDecimal.sum(group.cost, cost)
      if (group.last === number) return
      group.last = number
      group.rows += 1
      group.unfinished += isDone ? 0 : 1
    },
    rejected: () => {
      rejected += 1
    },
    failed: ({ key }: RowLog, { cost, error, message }: RowFailure.Stored) => {
      const group = failures.of(error)
      group.rows += 1
      if (group.rows === 1) group.message = redact(message)
      if (group.keys.length < mostKeys) group.keys.push(redact(key))
      if (cost !== undefined) group.cost = BigDecimal.sum(group.cost, BigDecimal.fromStringUnsafe(cost))
    },
    result: (): Problems => ({
      attempts: attempts
        .entries()
        .map(([name, { count, cost, rows, unfinished }]) => ({ ...nameOf(name), count, rows, unfinished, cost }))
        .toSorted((one, other) => other.count - one.count),
      failures: failures
        .entries()
        .map(([error, group]) => ({ error, ...group }))
        .toSorted((one, other) => other.rows - one.rows),
      rejected
    })
  }
}

const decodeName = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Tuple([Schema.String, Schema.NullOr(Schema.Int), Schema.NullOr(Schema.String)]))
)

const nameOf = (name: string) => {
  const [reason, status, code] = name === Bounded.others ? [name, null, null] : decodeName(name)
  return { reason, status, code }
}
