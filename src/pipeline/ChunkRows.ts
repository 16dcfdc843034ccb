/**
 * The rows of the chunks that this process takes, one chunk after the other. A chunk that processes have taken several
 * times without ending it may have a row that ends every process, such as by its memory: its rows then run one at a time,
 * and a row that ends processes when it is alone is set aside.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Demand from "../claude/Demand.ts"
import * as Redact from "../claude/Redact.ts"
import * as Timer from "../claude/Timer.ts"
import * as Dataset from "./Dataset.ts"
import { Dispatcher, type Lease } from "./Dispatcher.ts"
import type { Job } from "./Job.ts"
import { type ChunkRow, Chunks, Journal } from "./Journal.ts"
import type { PendingRow } from "./PendingRows.ts"
import * as Refill from "./Refill.ts"
import * as RowFailure from "./RowFailure.ts"

/** After this many starts without an end, the rows of a chunk run one at a time. */
export const maxStarts = 3

/** After this many ends of processes in which a row ran alone, the row is set aside. */
const maxDeaths = 2

/** Each process that ran a row ended before the row did. */
export class WorkerDied extends Schema.TaggedError<WorkerDied>()("WorkerDied", { deaths: Schema.Int }) {
  override get message() {
    return (
      `${this.deaths} processes ended while they ran this row alone, after ${maxStarts} had ended while they ran it with ` +
      "others; find out why, such as from the memory that it takes, and submit the job again"
    )
  }
}

/** How often a process looks for a chunk that has just become idle, and one that is idle for long. In milliseconds. */
const [soonest, latest] = [200, 1000]

/** How often an idle process looks for chunks that the queue lacks. The process that watches the job does so too. */
const refill = 5000

/** What the rows need of the run. */
export interface Run {
  readonly hasStopped: () => boolean
  /** How many rows may run at once. */
  readonly size: () => number
  /** Stores the failures that wait for more of their kind. */
  readonly settle: Effect.Effect<void>
}

/** A chunk that is not ended. */
interface Active {
  readonly lease: Lease
  left: number
}

/** The rows of all chunks until the run stops. `giveBackAll` then gives back the chunks that have not ended. */
export const make = Effect.fnUntraced(function* <Row, Out, E>(
  job: Job<Row, Out, E>,
  { hasStopped, settle, size }: Run
) {
  const clock = yield* Clock.Clock
  const chunks = yield* Chunks
  const dispatcher = yield* Dispatcher
  const journal = yield* Journal
  const redact = yield* Redact.Redactor
  const decode = inputsOf(job)
  const { onQuiet = () => {} } = journal.replies.wanted ?? {}
  const active = new Set<Active>()
  /** The rows that must run alone. */
  let alone: ReadonlyArray<readonly [Active, PendingRow<Row>]> = []
  /** Rows that have been handed over and have not ended. */
  let running = 0
  const noneRuns = Latch.makeUnsafe(true)
  const handOver = (rows: ReadonlyArray<PendingRow<Row>>) => {
    running += rows.length
    if (running > 0) noneRuns.closeUnsafe()
    return rows
  }

  const giveBack = ({ lease }: Active) => Effect.andThen(chunks.release(lease), dispatcher.giveBack(lease))
  const end = Effect.fnUntraced(function* (chunk: Active) {
    active.delete(chunk)
    yield* settle
    const { lease } = chunk
    if (lease.isHeld() && (yield* chunks.close(lease))) yield* dispatcher.complete(lease)
    else yield* giveBack(chunk)
  })
  const rowEnded = (chunk: Active) =>
    Effect.suspend(() => {
      chunk.left -= 1
      running -= 1
      if (running === 0) noneRuns.openUnsafe()
      // A chunk that cannot be ended is taken again, and its rows replay their replies.
      if (chunk.left > 0 || !active.has(chunk)) return Effect.void
      return Effect.catch(end(chunk), () => Effect.ignore(dispatcher.giveBack(chunk.lease)))
    })
  const fail = ({ key }: ChunkRow, error: Error) =>
    journal.fail(key, RowFailure.encode(error, redact, { attempts: 0, calls: 0, cost: undefined }))

  const open = Effect.fnUntraced(function* (lease: Lease) {
    const taken = yield* chunks.take(lease)
    if (taken === undefined) {
      yield* dispatcher.complete(lease)
      return []
    }
    const chunk: Active = { lease, left: 0 }
    const { starts, suspect } = taken
    const rows: Array<PendingRow<Row>> = []
    const setAside: Array<ReturnType<typeof fail>> = []
    for (const row of yield* chunks.rows(lease)) {
      const found =
        suspect?.key === row.key && suspect.deaths >= maxDeaths
          ? Result.fail(new WorkerDied({ deaths: suspect.deaths }))
          : yield* Effect.result(decode(row))
      if (found._tag === "Failure") setAside.push(fail(row, found.failure))
      else rows.push({ ...row, ...found.success, lease: { isHeld: lease.isHeld, ended: rowEnded(chunk) } })
    }
    yield* Effect.all(setAside, { concurrency: chunks.size, discard: true })
    chunk.left = rows.length
    active.add(chunk)
    if (rows.length === 0) yield* end(chunk)
    if (starts <= maxStarts) return rows
    alone = [...alone, ...rows.map((row) => [chunk, row] as const)]
    return []
  })

  /** The next row that must run alone, once no other row runs. The rows of a chunk that is lost are left out. */
  const nextAlone = Effect.gen(function* () {
    yield* noneRuns.await
    const [[chunk, row] = [], ...rest] = alone.filter(([{ lease }]) => lease.isHeld())
    alone = rest
    if (chunk === undefined || row === undefined) return []
    yield* chunks.tryAlone(chunk.lease, row.key)
    return [row]
  })

  let refilledAt = -Infinity
  /** Sends chunks that the queue lacks: the process that has submitted the job may have left before it had sent all. */
  const fill = Effect.suspend(() => {
    if (Timer.now(clock) - refilledAt < refill) return Effect.succeed(false)
    refilledAt = Timer.now(clock)
    return Effect.map(Refill.sendSome(dispatcher, chunks.sending), (hasSent) => {
      if (hasSent) refilledAt = -Infinity
      return hasSent
    })
  })

  /** Rows that may run now; undefined if there are none. */
  const look = Effect.gen(function* () {
    let mayHaveMore = true
    while (mayHaveMore && !hasStopped()) {
      const isAlone = alone.length > 0
      const wanted = Math.max(1, Math.floor((size() - running) / chunks.size))
      const leases = isAlone ? [] : yield* dispatcher.take(wanted)
      const rows = isAlone ? yield* nextAlone : (yield* Effect.forEach(leases, open)).flat()
      if (rows.length > 0) return handOver(rows)
      mayHaveMore = isAlone || leases.length > 0 || (yield* fill)
    }
    return undefined
  })
  const lookAgain = Effect.gen(function* () {
    let idle = soonest
    while (!hasStopped()) {
      yield* Effect.sleep(idle)
      const rows = yield* look
      if (rows !== undefined) return rows
      idle = Math.min(latest, 1.5 * idle)
    }
    return undefined
  })
  /** Chunks that come later are no reason to hold batches back. */
  const next = Effect.filterOrElse(
    look,
    (rows) => rows !== undefined,
    () => Demand.blocked(onQuiet)(lookAgain)
  )
  return {
    rows: Stream.fromEffectRepeat(next).pipe(
      Stream.takeWhile((rows) => rows !== undefined),
      Stream.flatMap((rows) => Stream.fromIterable(rows ?? []))
    ),
    giveBackAll: Effect.suspend(() => Effect.forEach(active, giveBack, { discard: true })),
    isActive: () => active.size > 0
  }
})

/** Decodes a row from its stored input, as the program that submitted the job has read it. */
export const inputsOf = <Row>({ source }: Pick<Job<Row, unknown, unknown>, "source">) => {
  const decoders = {
    cells: Dataset.decodeForm(source.schema, "cells"),
    json: Dataset.decodeForm(source.schema, "json"),
    value: Dataset.decodeForm(source.schema, "value")
  }
  return ({ input, ordinal }: Pick<ChunkRow, "input" | "ordinal">) =>
    Effect.flatMap(decodeStored(input), ({ form, value: encoded }) =>
      Effect.map(decoders[form](encoded), (row) => ({
        row,
        encoded,
        form,
        place: { source: source.name, unit: "row" as const, number: ordinal + 1 }
      }))
    )
}

const decodeStored = Schema.decodeUnknownEffect(
  Schema.Struct({ form: Schema.Literals(["cells", "json", "value"]), value: Schema.fromJsonString(Schema.Unknown) })
)
