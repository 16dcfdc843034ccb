/**
 * What the runs of a job have spent, for a budget over all of them: the stored bills, and the most that calls may have
 * cost whose bill is not stored.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Unit } from "../../claude/SpendStore.ts"
import type { JobState } from "./JobState.ts"
import type { JournalFailed } from "./JournalError.ts"
import * as Replies from "./Replies.ts"
import type { Writer } from "./Writes.ts"

/** The spending of a job. The journal stores bills in US dollars only, so that those in tokens are 0. */
export interface Spending {
  /** The stored bills of earlier runs. */
  readonly billed: Readonly<Record<Unit, BigDecimal.BigDecimal>>
  /** What may have been spent besides the stored bills. */
  readonly unsettled: Readonly<Record<Unit, BigDecimal.BigDecimal>>
  /** The stored bills of this run so far. */
  readonly stored: (unit: Unit) => BigDecimal.BigDecimal
  /** Replaces `unsettled`. Returns after the commit. */
  readonly hold: (unit: Unit, unsettled: BigDecimal.BigDecimal) => Effect.Effect<void, JournalFailed>
}

const zero = BigDecimal.fromBigInt(0n)

/** Reads the spending of the earlier runs. */
export const open = Effect.fnUntraced(function* (
  job: JobState,
  writer: Writer
): Effect.fn.Return<Spending, JournalFailed> {
  const { all, run } = yield* Replies.totals(job)
  const [unsettled] = yield* job.attempt(
    Effect.flatMap(job.sql`SELECT unsettled_usd, unsettled_tokens FROM effect_claude_jobs WHERE id = ${job.id}`, decode)
  )
  return {
    billed: { USD: BigDecimal.subtract(all.cost, run.cost), tokens: zero },
    unsettled: { USD: unsettled.unsettled_usd, tokens: unsettled.unsettled_tokens },
    stored: (unit) => (unit === "USD" ? job.bill.cost : zero),
    hold: (unit, amount) => writer.change(write(job, unit, amount))
  }
})

const write = ({ id, sql }: JobState, unit: Unit, amount: BigDecimal.BigDecimal) =>
  sql`UPDATE effect_claude_jobs SET ${sql(columns[unit])} = ${BigDecimal.format(amount)} WHERE id = ${id}`

const columns = { USD: "unsettled_usd", tokens: "unsettled_tokens" } as const

const decode = Schema.decodeUnknownEffect(
  Schema.Tuple([
    Schema.Struct({ unsettled_usd: Schema.BigDecimalFromString, unsettled_tokens: Schema.BigDecimalFromString })
  ])
)
