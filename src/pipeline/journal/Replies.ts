/**
 * The replies, batches and bills of a run, as its `ReplyStore` and what goes with it.
 */
import type * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Cost from "../../claude/Cost.ts"
import { isBilled, isEmulated } from "../../claude/Reply.ts"
import type { Request } from "../../claude/Request.ts"
import { type Answer, type CallKey, ReplyStoreFailed, type ReplyStore } from "../../claude/ReplyStore.ts"
import * as StoredReply from "../../claude/StoredReply.ts"
import type { WantedCalls } from "../../claude/WantedCalls.ts"
import { isInternal } from "../Durable.ts"
import * as Batches from "./Batches.ts"
import * as Calls from "./Calls.ts"
import type { JobState } from "./JobState.ts"
import { JournalFailed, JournalMixed } from "./JournalError.ts"
import * as RequestText from "./RequestText.ts"
import type { RowNumbers } from "./RowNumbers.ts"
import * as Sample from "./Sample.ts"
import * as Total from "./Total.ts"
import type { Replies, Writer } from "./Writes.ts"

/** What a job was billed. */
export interface Totals {
  readonly run: Total.Total
  /** In all runs, this one included. */
  readonly all: Total.Total
}

/** Settles who answers, at the first answer: an emulator, or Claude. A count of tokens does not show it. */
const answered = (job: JobState, emulated: boolean): Effect.Effect<void, JournalMixed> =>
  Effect.suspend(() => {
    if (job.emulated === !emulated) {
      return Effect.fail(new JournalMixed({ state: job.opened.state, emulated: job.emulated }))
    }
    job.emulated = emulated
    return Effect.void
  })

/** The store of a run. */
export const store = (
  job: JobState,
  numbers: RowNumbers,
  writer: Writer,
  wanted?: WantedCalls<CallKey, JournalFailed>
): ReplyStore => {
  const save = Effect.fnUntraced(function* (answers: ReadonlyArray<Answer>) {
    const at = new Date((yield* Clock.Clock).currentTimeMillisUnsafe())
    const replies: Array<Replies["replies"][number]> = []
    const bills: Array<BigDecimal.BigDecimal | undefined> = []
    for (const [{ call, reply, request, timing }, { number: row, ordinal }] of yield* numbers.ofCalls(answers)) {
      if (!isInternal(reply)) yield* answered(job, isEmulated(reply.requestId))
      const text = request !== undefined && Sample.keepsRequests(ordinal) ? RequestText.of(request) : null
      const log = { storedAt: at.getTime(), origin: reply.origin, timing }
      replies.push({ row, call, reply: StoredReply.encode(reply), request: text, log })
      if (isBilled(reply.origin)) bills.push(Cost.billed(reply, at))
    }
    if (replies.length > 0) yield* writer.write({ _tag: "Replies", replies, bills })
  })
  return {
    find: (call) =>
      numbers.find(call.row).pipe(
        Effect.flatMap(({ number }) => job.attempt(Calls.find(job, number, call))),
        Effect.map((found) => found && StoredReply.decode(found)),
        storing
      ),
    save: (answers) => storing(save(answers)),
    intend: (intent) =>
      numbers.ofCalls(intent.items).pipe(
        Effect.map((items) => items.map(([, { number }]) => number)),
        Effect.flatMap((rows) => writer.change(Batches.intend(job, intent, rows))),
        storing
      ),
    sent: (intent, batchId) => storing(writer.change(Batches.sent(job, intent, batchId))),
    ended: (intent) => storing(writer.change(Batches.ended(job, intent))),
    unfinished: storing(job.attempt(Effect.suspend(() => Batches.unfinished(job)))),
    knows: (batchId) => storing(job.attempt(Batches.knows(job, batchId))),
    wanted: wanted && { ...wanted, ask: (call, request) => storing(wanted.ask(call, request)) }
  }
}

const storing = <A, E = never>(effect: Effect.Effect<A, E | JournalFailed | JournalMixed>) =>
  Effect.catchIf(
    effect,
    (error) => error instanceof JournalMixed || error instanceof JournalFailed,
    (error) =>
      Effect.fail(new ReplyStoreFailed({ detail: error instanceof JournalMixed ? error.message : error.detail }))
  )

/** Marks the reply of a call as one that the program could not use, and stores its request. */
export const reject = (job: JobState, numbers: RowNumbers, writer: Writer, call: CallKey, request: Request) =>
  Effect.flatMap(numbers.find(call.row), ({ number }) =>
    writer.change(Calls.reject(job, number, call, RequestText.of(request)))
  )

/** The totals of the earlier runs are read, that of this one is known. */
export const totals = (job: JobState): Effect.Effect<Totals, JournalFailed> =>
  Effect.suspend(
    () => job.sql`SELECT calls, cost, unpriced FROM effect_claude_runs WHERE job = ${job.id} AND run <> ${job.run}`
  ).pipe(
    Effect.flatMap(decodeTotals),
    Effect.map((earlier) => ({ run: job.bill, all: Total.sum([...earlier, job.bill]) })),
    job.attempt
  )

const decodeTotals = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ ...Total.Total.fields, cost: Schema.BigDecimalFromString }))
)
