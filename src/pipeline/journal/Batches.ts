/**
 * The Message Batches of a job. A batch stays in its table after it has ended, so that it is never taken for an orphan.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { BatchIntent } from "../../claude/ReplyStore.ts"
import type { JobState, Readable } from "./JobState.ts"
import * as RowId from "./RowId.ts"

/** Items of one statement. */
const pageSize = 256

/** Stores a batch before it is sent. `rows` has the number of the row of each item. */
export const intend = Effect.fnUntraced(function* (
  { id: job, sql }: JobState,
  { batchId, createdAt, id, items }: BatchIntent,
  rows: ReadonlyArray<number>
) {
  yield* sql`INSERT INTO effect_claude_batches
    ${sql.insert({ id, job, created_at: createdAt, batch_id: batchId ?? null, ended: 0 })}`
  const stored = items.map(({ call, customId, requestHash }, index) => ({
    batch: id,
    custom_id: customId,
    row_id: rows[index],
    path: call.path,
    hash: call.hash,
    occurrence: call.occurrence,
    request_hash: requestHash
  }))
  yield* Effect.forEach(
    Arr.chunksOf(stored, pageSize),
    (page) => sql`INSERT INTO effect_claude_batch_items ${sql.insert(page)}`,
    { discard: true }
  )
})

/** Stores the API's id of a batch; without one, forgets it. */
export const sent = ({ sql }: JobState, intent: string, batchId?: string) =>
  sql`UPDATE effect_claude_batches SET batch_id = ${batchId ?? null} WHERE id = ${intent}`

/** Marks a batch as ended, and removes its items. */
export const ended = ({ sql }: JobState, intent: string) =>
  Effect.andThen(
    sql`UPDATE effect_claude_batches SET ended = 1 WHERE id = ${intent}`,
    sql`DELETE FROM effect_claude_batch_items WHERE batch = ${intent}`
  )

/**
 * The batches of the job that have not ended and that a row may still need, the oldest first. They are known before the
 * run begins.
 */
export const unfinished = Effect.fnUntraced(function* ({ opened, sql }: JobState) {
  const batches = yield* Effect.flatMap(
    sql`SELECT b.id, CAST(b.created_at AS DOUBLE PRECISION) AS created_at, b.batch_id
        FROM effect_claude_batches b JOIN effect_claude_jobs j ON j.id = b.job
        WHERE j.name = ${opened.job} AND b.ended = 0 AND EXISTS (
          SELECT 1 FROM effect_claude_batch_items i JOIN effect_claude_rows r ON r.id = i.row_id
          WHERE i.batch = b.id AND r.state <> 1)
        ORDER BY b.created_at, b.id`,
    decodeBatches
  )
  return yield* Effect.forEach(
    batches,
    Effect.fnUntraced(function* ({ batch_id, created_at: createdAt, id }) {
      const items = yield* Effect.flatMap(
        sql`SELECT i.custom_id, i.path, i.hash, i.occurrence, i.request_hash, r.name, r.key
            FROM effect_claude_batch_items i JOIN effect_claude_rows r ON r.id = i.row_id
            WHERE i.batch = ${id} ORDER BY i.custom_id`,
        decodeItems
      )
      return {
        id,
        createdAt,
        batchId: batch_id ?? undefined,
        items: items.map(({ custom_id: customId, hash, key, name, occurrence, path, request_hash: requestHash }) => ({
          customId,
          call: { row: RowId.keyOf({ id: name, key }), path, hash, occurrence },
          requestHash
        }))
      } satisfies BatchIntent
    })
  )
})

/** Whether a batch of the API belongs to any job of the database. */
export const knows = ({ sql }: JobState, batchId: string) =>
  Effect.map(sql`SELECT 1 FROM effect_claude_batches WHERE batch_id = ${batchId} LIMIT 1`, (found) => found.length > 0)

const decodeBatches = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ id: Schema.String, created_at: Schema.Finite, batch_id: Schema.NullOr(Schema.String) }))
)

const decodeItems = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      custom_id: Schema.String,
      path: Schema.String,
      hash: Schema.String,
      occurrence: Schema.Int,
      request_hash: Schema.String,
      name: Schema.String,
      key: Schema.NullOr(Schema.String)
    })
  )
)

/** A batch that the API works on. */
export interface BatchInProgress {
  /** The API's id. */
  readonly batch: string
  readonly requests: number
  /** When it was sent, in milliseconds since 1970. */
  readonly since: number
}

/** The batches of the job that were sent and have not ended, the oldest first. */
export const inProgress = ({ id, sql }: Readable) =>
  Effect.map(
    Effect.flatMap(
      sql`SELECT b.batch_id, CAST(b.created_at AS DOUBLE PRECISION) AS created_at, CAST(COUNT(i.custom_id) AS INTEGER) AS requests
          FROM effect_claude_batches b LEFT JOIN effect_claude_batch_items i ON i.batch = b.id
          WHERE b.job = ${id} AND b.ended = 0 AND b.batch_id IS NOT NULL
          GROUP BY b.id, b.batch_id, b.created_at ORDER BY b.created_at, b.id`,
      decodeInProgress
    ),
    (batches) =>
      batches.map(({ batch_id: batch, created_at: since, requests }): BatchInProgress => ({ batch, requests, since }))
  )

const decodeInProgress = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ batch_id: Schema.String, created_at: Schema.Finite, requests: Schema.Int }))
)
