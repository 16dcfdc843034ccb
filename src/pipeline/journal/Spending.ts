/**
 * What the runs of a job have spent, for a budget over all of them: the stored bills, and the most that calls may have
 * cost whose bill is not stored.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"
import { Amount } from "../../claude/Amount.ts"
import type { Allotment, SharedAccount, Unit } from "../../claude/SpendStore.ts"
import * as JobLimits from "./JobLimits.ts"
import * as LockHolders from "./LockHolders.ts"
import type { JobState } from "./JobState.ts"
import type { JournalFailed } from "./JournalError.ts"
import * as Parts from "./Parts.ts"
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
  /** Where other processes work on the job; see `SharedAccount`. */
  readonly shared: Shared | undefined
}

type Amounts = Parameters<SharedAccount["allot"]>[0]

/** The budget of a job that several processes spend. */
interface Shared {
  readonly allot: (unit: Unit, amounts: Amounts) => Effect.Effect<Allotment, JournalFailed>
  readonly look: (unit: Unit) => Effect.Effect<Effect.Success<SharedAccount["look"]>, JournalFailed>
}

const zero = BigDecimal.fromBigInt(0n)

/** Reads the spending of the earlier runs. */
export const open = Effect.fnUntraced(function* (
  job: JobState,
  writer: Writer
): Effect.fn.Return<Spending, JournalFailed> {
  if (job.opened.role === "works") return ofShared(job, writer)
  const { all, run } = yield* Replies.totals(job)
  const [unsettled] = yield* job.attempt(
    Effect.flatMap(job.sql`SELECT unsettled_usd, unsettled_tokens FROM effect_claude_jobs WHERE id = ${job.id}`, decode)
  )
  const besides = { USD: unsettled.unsettled_usd, tokens: unsettled.unsettled_tokens }
  // A process that worked with others may have died with a part of the budget.
  const lost = yield* job.attempt(
    Effect.flatMap(
      job.sql`SELECT cost, allotted_usd, allotted_tokens FROM effect_claude_runs
              WHERE job = ${job.id} AND part_of IS NOT NULL`,
      decodeLost
    )
  )
  for (const { allotted_tokens: tokens, allotted_usd: usd, cost } of lost) {
    if (usd !== null) besides.USD = BigDecimal.sum(besides.USD, BigDecimal.max(zero, BigDecimal.subtract(usd, cost)))
    if (tokens !== null) besides.tokens = BigDecimal.sum(besides.tokens, tokens)
  }
  return {
    billed: { USD: BigDecimal.subtract(all.cost, run.cost), tokens: zero },
    unsettled: besides,
    stored: (unit) => (unit === "USD" ? job.bill.cost : zero),
    hold: (unit, amount) => writer.change(write(job, unit, amount)),
    shared: undefined
  }
})

/** The bills of other runs are not this process's: it has its own part of the budget. */
const ofShared = (job: JobState, writer: Writer): Spending => ({
  billed: { USD: zero, tokens: zero },
  unsettled: { USD: zero, tokens: zero },
  stored: (unit) => (unit === "USD" ? job.bill.cost : zero),
  // At the end of the run, its part is what it has spent.
  hold: (unit, amount) =>
    writer.change(
      Effect.suspend(() => {
        const spent = BigDecimal.sum(amount, unit === "USD" ? job.bill.cost : zero)
        return setAllotted(job, unit, spent)
      })
    ),
  shared: {
    allot: (unit, amounts) => job.attempt(job.held.transaction(allot(job, unit, amounts))),
    look: (unit) => job.attempt(look(job, unit))
  }
})

/** The budget of the submission, if it is in this unit. */
const capOf = ({ id, partOf, sql }: JobState, unit: Unit) =>
  Effect.map(JobLimits.read(sql, id, partOf), ({ budget = "" }) => {
    const amount = Option.getOrUndefined(decodeAmount(budget))
    return amount?.unit === unit ? amount.value : undefined
  })

const decodeAmount = Schema.decodeOption(Amount)

const look = Effect.fnUntraced(function* (job: JobState, unit: Unit) {
  const { id, run, sql } = job
  const waiting = yield* sql`SELECT 1 FROM effect_claude_runs WHERE job = ${id} AND run <> ${run} AND waits % 2 = 1
    AND ended_at IS NULL AND ${LockHolders.isLiving(sql, id, "run")} LIMIT 1`
  return { cap: yield* capOf(job, unit), isWanted: waiting.length > 0 }
})

/** In the column `waits`, beside 1 for a call that waits for money: no call is in flight, and no money is spare. */
const idle = 2

/** One process at a time takes a part of the budget. */
const allot = Effect.fnUntraced(function* (
  job: JobState,
  unit: Unit,
  amounts: Amounts
): Effect.fn.Return<Allotment, SqlError | Schema.SchemaError> {
  const { id, run, sql } = job
  const allotted = sql(allottedColumns[unit])
  yield* sql`SELECT pg_advisory_xact_lock(hashtextextended('effect_claude budget ' || ${String(id)}, 0))`
  const [unsettled] = yield* Effect.flatMap(
    sql`SELECT unsettled_usd, unsettled_tokens FROM effect_claude_jobs WHERE id = ${id}`,
    decode
  )
  const others = yield* Effect.flatMap(
    sql`SELECT cost, ${allotted} AS allotted, ended_at IS NULL AND ${LockHolders.isLiving(sql, id, "run")} AS living,
          COALESCE(waits, 0) >= ${idle} AS idle
        FROM effect_claude_runs WHERE job = ${id} AND run <> ${run}`,
    decodeParts
  )
  const answer = Parts.allot(
    { ...amounts, cap: (yield* capOf(job, unit)) ?? amounts.cap },
    unsettled[columns[unit]],
    others.map(({ allotted, cost, idle, living }) => ({
      allotted,
      billed: unit === "USD" ? cost : zero,
      isLiving: living,
      isIdle: idle
    }))
  )
  if (answer._tag === "granted") yield* setAllotted(job, unit, answer.amount)
  else yield* keepAtMost(job, unit, amounts.needed)
  const isTaken = answer._tag === "granted" && amounts.waits === "until granted"
  const waits = isTaken ? 0 : Number(amounts.waits !== "no") + (amounts.isIdle ? idle : 0)
  yield* sql`UPDATE effect_claude_runs SET waits = ${waits} WHERE job = ${id} AND run = ${run}`
  return answer
})

const setAllotted = ({ id, run, sql }: JobState, unit: Unit, amount: BigDecimal.BigDecimal) =>
  sql`UPDATE effect_claude_runs SET ${sql(allottedColumns[unit])} = ${BigDecimal.format(amount)}
      WHERE job = ${id} AND run = ${run}`

/** A process keeps no more than it asks for, also where the others have more than a budget that was lowered. */
const keepAtMost = ({ id, run, sql }: JobState, unit: Unit, amount: BigDecimal.BigDecimal) => {
  const column = sql(allottedColumns[unit])
  return sql`UPDATE effect_claude_runs SET ${column} = ${BigDecimal.format(amount)}
             WHERE job = ${id} AND run = ${run} AND CAST(${column} AS NUMERIC) > CAST(${BigDecimal.format(amount)} AS NUMERIC)`
}

const decodeLost = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      cost: Schema.BigDecimalFromString,
      allotted_usd: Schema.NullOr(Schema.BigDecimalFromString),
      allotted_tokens: Schema.NullOr(Schema.BigDecimalFromString)
    })
  )
)

const allottedColumns = { USD: "allotted_usd", tokens: "allotted_tokens" } as const

const decodeParts = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      cost: Schema.BigDecimalFromString,
      allotted: Schema.NullOr(Schema.BigDecimalFromString),
      living: Schema.Boolean,
      idle: Schema.Boolean
    })
  )
)

const write = ({ id, sql }: JobState, unit: Unit, amount: BigDecimal.BigDecimal) =>
  sql`UPDATE effect_claude_jobs SET ${sql(columns[unit])} = ${BigDecimal.format(amount)} WHERE id = ${id}`

const columns = { USD: "unsettled_usd", tokens: "unsettled_tokens" } as const

const decode = Schema.decodeUnknownEffect(
  Schema.Tuple([
    Schema.Struct({ unsettled_usd: Schema.BigDecimalFromString, unsettled_tokens: Schema.BigDecimalFromString })
  ])
)
