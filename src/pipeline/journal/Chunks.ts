/**
 * The chunks of a job that several processes work on, on PostgreSQL. The rows with the numbers 100 to 199 are one chunk, so
 * that chunks never overlap. The queue decides which process gets a chunk; `holder` decides whose results count. A process
 * that has lost a chunk may still store its replies, as late ones; its results are dropped.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import type { Fragment } from "effect/sql/Statement"
import * as Calls from "./Calls.ts"
import * as ClaimedRows from "./ClaimedRows.ts"
import * as JobLock from "./JobLock.ts"
import type { JobState, Readable } from "./JobState.ts"
import * as RowId from "./RowId.ts"
import type { RowNumbers } from "./RowNumbers.ts"
import type { Writer } from "./Writes.ts"

/** Rows of a chunk at most. The rows of other jobs may have numbers between them. */
export const size = 100

/** The number at which the chunk of a row begins. */
export const firstOf = (row: number): number => row - (row % size)

/** A chunk of a job, to be worked on. A chunk that gets new rows gets a new generation. */
export interface Chunk {
  readonly first: number
  readonly generation: number
}

/** What has happened to a chunk before a process takes it. */
export interface Taken {
  /** How often processes have taken the chunk without ending it, this time included. */
  readonly starts: number
  /** The row that a process had taken alone when it died, if one had. */
  readonly suspect: { readonly key: string; readonly deaths: number } | undefined
}

/** A row with its input as text; see `Claiming`. */
export interface ChunkRow extends ClaimedRows.PendingRow {
  readonly input: { readonly form: string; readonly value: string }
}

/**
 * Opens the chunks of the claimed rows that are not done. A chunk that is still in the queue stays there. No process holds
 * one any more: a process that has lost its lock, and has not noticed it, would close a chunk whose rows are open.
 */
export const open = ({ claimed, id, sql }: JobState) =>
  sql`INSERT INTO effect_claude_chunks AS c (job, first, generation, open, sent, starts, strikes)
      SELECT DISTINCT r.job, r.id - r.id % ${sql.literal(String(size))}, 1, 1, 0, 0, 0
      FROM effect_claude_rows r WHERE r.job = ${id} AND r.run = ${claimed} AND r.state <> 1
      ON CONFLICT (job, first) DO UPDATE SET open = 1, holder = NULL, starts = 0, trying = NULL, strikes = 0,
        generation = CASE WHEN c.open = 1 AND c.sent = 1 THEN c.generation ELSE c.generation + 1 END,
        sent = CASE WHEN c.open = 1 THEN c.sent ELSE 0 END`

/** Chunks of one statement. */
const pageSize = 1000

/**
 * Whether a row is neither done, nor has failed since it was claimed. It reads the rows of open chunks only, up to the first
 * such row.
 */
export const hasOpenRows = ({ attempt, claimed, id, sql }: Readable, run: number) =>
  attempt(
    Effect.map(
      sql`SELECT 1 FROM effect_claude_chunks c WHERE c.job = ${id} AND c.open = 1 AND EXISTS (
            SELECT 1 FROM ${openRows(sql, { claimed, first: sql`c.first`, id, run })}) LIMIT 1`,
      (open) => open.length > 0
    )
  )

/**
 * The rows `r` of a chunk that the run `run` has claimed for others, and that have not ended since. `OFFSET 0` makes
 * PostgreSQL read the chunk by the numbers of its rows: until it has statistics of new rows, it would read all open rows of
 * the job instead.
 */
const openRows = (
  sql: SqlClient,
  {
    claimed,
    first,
    id,
    run
  }: Pick<Readable, "claimed" | "id"> & { readonly first: number | Fragment; readonly run: number }
) =>
  sql`(SELECT r.* FROM (
      SELECT * FROM effect_claude_rows WHERE id >= ${first} AND id < ${first} + ${sql.literal(String(size))} OFFSET 0) r
    WHERE r.job = ${id} AND r.run = ${claimed} AND (r.state = 0 OR (r.state = 2 AND EXISTS (
      SELECT 1 FROM effect_claude_results v WHERE v.row_id = r.id AND v.run < ${run})))) r`

/** What the queue has. */
export const sending = ({ attempt, id, sql }: Readable) => {
  const list = (numbers: ReadonlyArray<number>) => sql`CAST(string_to_array(${numbers.join(",")}, ',') AS BIGINT[])`
  return {
    /** Some chunks that the queue may not have. */
    unsent: attempt(
      Effect.flatMap(
        sql`SELECT CAST(first AS DOUBLE PRECISION) AS first, generation FROM effect_claude_chunks
            WHERE job = ${id} AND open = 1 AND sent = 0 ORDER BY first LIMIT ${pageSize}`,
        decodeChunks
      )
    ),
    /** Records that the queue has chunks, which `unsent` gave. */
    markSent: (chunks: ReadonlyArray<Chunk>) =>
      attempt(
        sql`UPDATE effect_claude_chunks SET sent = 1 WHERE job = ${id} AND (first, generation) IN (
          SELECT * FROM UNNEST(${list(chunks.map(({ first }) => first))}, ${list(chunks.map((one) => one.generation))}))`
      ),
    /** Whether the queue had chunks that are not done. */
    hasSent: attempt(
      Effect.map(
        sql`SELECT 1 FROM effect_claude_chunks WHERE job = ${id} AND open = 1 AND sent = 1 LIMIT 1`,
        (sent) => sent.length > 0
      )
    ),
    /** Records that the queue may have none of the chunks. */
    forgetSent: attempt(sql`UPDATE effect_claude_chunks SET sent = 0 WHERE job = ${id} AND open = 1 AND sent = 1`)
  }
}

export type Sending = ReturnType<typeof sending>

const decodeChunks = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ first: Schema.Int, generation: Schema.Int }))
)

/** The chunks of this process. */
export const make = (job: JobState, numbers: RowNumbers, writer: Writer) => {
  const { id, partOf, run, sql } = job
  const rowsOf = ({ first }: Chunk) => openRows(sql, { claimed: job.claimed, first, id, run: partOf })
  const ofChunk = ({ first }: Chunk) => sql`job = ${id} AND first = ${first} AND holder = ${run}`
  return {
    size,
    sending: sending(job),
    /** Makes this process the holder; undefined if the chunk is done. */
    take: ({ first, generation }: Chunk) =>
      job.attempt(
        Effect.map(
          Effect.flatMap(
            sql`UPDATE effect_claude_chunks SET holder = ${run}, starts = starts + 1,
                  strikes = CASE WHEN trying IS NULL THEN strikes ELSE strikes + 1 END
                WHERE job = ${id} AND first = ${first} AND generation = ${generation} AND open = 1
                RETURNING starts, strikes, (
                  SELECT COALESCE(r.key, r.name) FROM effect_claude_rows r WHERE r.id = trying AND r.state <> 1
                ) AS trying`,
            decodeTaken
          ),
          ([taken]): Taken | undefined =>
            taken && {
              starts: taken.starts,
              suspect: taken.trying === null ? undefined : { key: taken.trying, deaths: taken.strikes }
            }
        )
      ),
    /** The rows of a chunk that are to run, with their replies. */
    rows: (chunk: Chunk) =>
      job.attempt(
        Effect.gen(function* () {
          const rows = yield* sql`SELECT r.ordinal, r.name, r.key, r.id, r.state, i.form, i.value,
              ${sql.literal(ClaimedRows.failure)}
            FROM ${rowsOf(chunk)} LEFT JOIN effect_claude_inputs i ON i.row_id = r.id ORDER BY r.ordinal`.values
          if (rows.length === 0) return []
          const replies = yield* Calls.ofRows(job, sql`SELECT r.id FROM ${rowsOf(chunk)}`)
          return rows.map(([ordinal, name, long, number, state, form, value, failure]): ChunkRow => {
            const row = Number(number)
            const key = RowId.keyOf({ id: String(name), key: long === null ? null : String(long) })
            numbers.remember(key, { number: row, ordinal: Number(ordinal), isOpen: true })
            return {
              key,
              ordinal: Number(ordinal),
              ...ClaimedRows.failureIn(state, failure),
              replies: replies.get(row) ?? [],
              input: { form: String(form), value: String(value) }
            }
          })
        })
      ),
    /** The inputs of rows, by their keys. */
    inputs: (keys: ReadonlyArray<string>) =>
      job.attempt(
        keys.length === 0
          ? Effect.succeed([])
          : Effect.map(
              sql`SELECT r.name, r.key, r.ordinal, i.form, i.value
                  FROM effect_claude_rows r JOIN effect_claude_inputs i ON i.row_id = r.id
                  WHERE r.job = ${id} AND ${sql.in(
                    "name",
                    keys.map((key) => RowId.make(key).id)
                  )}`.values,
              (rows) =>
                rows.map(([name, long, ordinal, form, value]) => ({
                  key: RowId.keyOf({ id: String(name), key: long === null ? null : String(long) }),
                  ordinal: Number(ordinal),
                  input: { form: String(form), value: String(value) }
                }))
            )
      ),
    /** Whether the job is paused, for all processes. */
    isPaused: job.attempt(
      Effect.map(
        sql`SELECT 1 FROM effect_claude_jobs WHERE id = ${id} AND paused_at IS NOT NULL`,
        (paused) => paused.length > 0
      )
    ),
    /** Records that a row runs alone, in case it ends this process. */
    tryAlone: (chunk: Chunk, key: string) =>
      Effect.flatMap(numbers.find(key), ({ number }) =>
        job.attempt(
          sql`UPDATE effect_claude_chunks SET trying = ${number},
                strikes = CASE WHEN trying = ${number} THEN strikes ELSE 0 END WHERE ${ofChunk(chunk)}`
        )
      ),
    /** Closes a chunk whose rows have all ended; false if some have not, or another process has the chunk. */
    close: (chunk: Chunk) =>
      job.attempt(
        Effect.map(
          sql`UPDATE effect_claude_chunks SET open = 0 WHERE ${ofChunk(chunk)}
              AND NOT EXISTS (SELECT 1 FROM ${rowsOf(chunk)}) RETURNING 1`,
          (closed) => closed.length > 0
        )
      ),
    /** Gives up a chunk that this process ends in order. */
    release: (chunk: Chunk) =>
      writer.change(
        sql`UPDATE effect_claude_chunks SET holder = NULL, starts = GREATEST(starts - 1, 0), trying = NULL, strikes = 0
            WHERE ${ofChunk(chunk)}`
      )
  }
}

const decodeTaken = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ starts: Schema.Int, strikes: Schema.Int, trying: Schema.NullOr(Schema.String) }))
)

/**
 * Which of these rows this process holds, as a transaction sees it. Until that ends, no other process can take their chunks.
 * Fails where the server is not the one that has the lock of this process: after a failover, it may lack the replies from
 * which this process made its results.
 */
export const heldIn = ({ id, opened, run }: JobState, connection: Connection, rows: Iterable<number>) =>
  Effect.flatMap(
    connection.executeValues(
      `SELECT first, ${JobLock.serverStart} FROM effect_claude_chunks
       WHERE job = $1 AND holder = $2 AND first = ANY (CAST(string_to_array($3, ',') AS BIGINT[])) FOR SHARE`,
      [id, run, [...new Set(Array.from(rows, firstOf))].join(",")]
    ),
    (held) => {
      if (held.some(([, server]) => server !== opened.joined?.server)) return Effect.fail(otherServer)
      const firsts = new Set(held.map(([first]) => Number(first)))
      return Effect.succeed((row: number) => firsts.has(firstOf(row)))
    }
  )

const otherServer = new SqlError({
  reason: new ConnectionError({
    cause: new Error("the database has moved to another server, or the server has restarted"),
    message: "the connections of this process are lost"
  })
})
