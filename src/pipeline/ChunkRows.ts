/**
 * The rows of the chunks that this process takes, one chunk after the other. A chunk that processes have taken several
 * times without ending it may have a row that ends every process, such as by its memory: its rows then run one at a time,
 * and a row that ends processes when it is alone is set aside.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Redact from "../claude/Redact.ts"
import * as Dataset from "./Dataset.ts"
import { Dispatcher, type Lease } from "./Dispatcher.ts"
import type { Job } from "./Job.ts"
import { type ChunkRow, Chunks, Journal } from "./Journal.ts"
import type { PendingRow } from "./PendingRows.ts"
import * as RowFailure from "./RowFailure.ts"

/** After this many starts without an end, the rows of a chunk run one at a time. */
export const maxStarts = 3

/** After this many ends of processes in which a row ran alone, the row is set aside. */
export const maxDeaths = 2

/** Each process that ran a row ended before the row did. */
export class WorkerDied extends Schema.TaggedError<WorkerDied>()("WorkerDied", { deaths: Schema.Int }) {
  override get message() {
    return (
      `${this.deaths} processes ended while they ran this row alone, after ${maxStarts} had ended while they ran it with ` +
      "others; find out why, such as from the memory that it takes, and submit the job again"
    )
  }
}

/** How often an idle process looks for a chunk. */
const poll = "200 millis"

/** What the rows need of the run. */
export interface Run {
  readonly hasStopped: () => boolean
  /** Stores the failures that wait for more of their kind. */
  readonly settle: Effect.Effect<void>
}

/** A chunk that is not ended. */
interface Active {
  readonly lease: Lease
  left: number
}

/** The rows of all chunks until the run stops. `giveBackAll` then gives back the chunks that have not ended. */
export const make = Effect.fnUntraced(function* <Row, Out, E>(job: Job<Row, Out, E>, { hasStopped, settle }: Run) {
  const chunks = yield* Chunks
  const dispatcher = yield* Dispatcher
  const journal = yield* Journal
  const redact = yield* Redact.Redactor
  const decode = inputsOf(job)
  const active = new Set<Active>()
  /** The rows that must run alone. `last` ends with the one of them that runs. */
  let alone: ReadonlyArray<readonly [Active, PendingRow<Row>]> = []
  let last: Deferred.Deferred<void> | undefined

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
      // A chunk that cannot be ended is taken again, and its rows replay their replies.
      if (chunk.left > 0 || !active.has(chunk)) return Effect.void
      return Effect.catch(end(chunk), () => Effect.ignore(dispatcher.giveBack(chunk.lease)))
    })
  const setAside = ({ key }: ChunkRow, error: Error) =>
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
    for (const row of yield* chunks.rows(lease)) {
      if (suspect?.key === row.key && suspect.deaths >= maxDeaths) {
        yield* setAside(row, new WorkerDied({ deaths: suspect.deaths }))
        continue
      }
      const found = yield* Effect.result(decode(row))
      if (found._tag === "Failure") yield* setAside(row, found.failure)
      else rows.push({ ...row, ...found.success, lease: { isHeld: lease.isHeld, ended: rowEnded(chunk) } })
    }
    chunk.left = rows.length
    active.add(chunk)
    if (rows.length === 0) yield* end(chunk)
    if (starts <= maxStarts) return rows
    alone = rows.map((row) => [chunk, row])
    return []
  })

  const nextAlone = Effect.fnUntraced(function* () {
    const [[chunk, row] = [], ...rest] = alone
    alone = rest
    if (chunk === undefined || row === undefined || !chunk.lease.isHeld()) {
      alone = []
      return []
    }
    yield* chunks.tryAlone(chunk.lease, row.key)
    const ended = Deferred.makeUnsafe<void>()
    last = ended
    const lease = { ...chunk.lease, ended: Effect.andThen(rowEnded(chunk), Deferred.succeed(ended, undefined)) }
    return [{ ...row, lease }]
  })

  const next = Effect.gen(function* () {
    while (!hasStopped()) {
      if (last !== undefined) yield* Deferred.await(last)
      last = undefined
      if (alone.length > 0) {
        const rows = yield* nextAlone()
        if (rows.length > 0) return rows
        continue
      }
      const [lease] = yield* dispatcher.take(1)
      const rows = lease === undefined ? [] : yield* open(lease)
      if (rows.length > 0) return rows
      if (lease === undefined) yield* Effect.sleep(poll)
    }
    return undefined
  })
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
