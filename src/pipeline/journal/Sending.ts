/**
 * The process that sends the batches of a job for all workers, on PostgreSQL. It holds a lock with a connection, and all of
 * its writes use that connection: a process whose lock is lost writes nothing, and so sends nothing. It has a run among the
 * runs of the job, which has the bills of the batches.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import { ClaudeError } from "../../claude/ClaudeError.ts"
import type { CallKey } from "../../claude/ReplyStore.ts"
import type { Request } from "../../claude/Request.ts"
import * as GroupCommit from "./GroupCommit.ts"
import * as JobLock from "./JobLock.ts"
import * as JobState from "./JobState.ts"
import type { JournalFailed } from "./JournalError.ts"
import * as RowId from "./RowId.ts"
import type { RowNumbers } from "./RowNumbers.ts"
import * as RunRecord from "./RunRecord.ts"
import type { Writer } from "./Writes.ts"

/** A call that a worker waits for. */
export interface WantedCall {
  readonly call: CallKey
  readonly request: Request
  /** Identifies it in the table. */
  readonly id: { readonly row: number; readonly key: string }
}

/** How a call ended. A reply is in the journal. */
export type Outcome = Result.Result<void, ClaudeError>

/** The calls of all workers. */
export interface Sending {
  /** Takes at most this many calls that this process has not taken. Fails once the lock is lost. */
  readonly take: (count: number) => Effect.Effect<ReadonlyArray<WantedCall>, JournalFailed>
  /** Hands outcomes to the workers. Returns after the commit. */
  readonly settle: (wanted: WantedCall, outcome: Outcome) => Effect.Effect<void, JournalFailed>
  /** Whether no worker can continue without an answer. */
  readonly isQuiet: Effect.Effect<boolean, JournalFailed>
}

/** Forgets the calls of workers. The rows that still need them make them again, and then join their batches. */
export const clear = ({ id, sql }: Pick<JobState.JobState, "id" | "sql">) =>
  sql`DELETE FROM effect_claude_wanted WHERE job = ${id}`

/** A worker that was not seen for this time is dead, or frozen. In milliseconds. */
const patience = 10_000

/** Becomes the sender until the scope closes; undefined while another process is. */
export const elect = Effect.fnUntraced(function* (
  worker: JobState.JobState
): Effect.fn.Return<
  { readonly job: JobState.JobState; readonly hasDied: boolean } | undefined,
  JournalFailed,
  Scope.Scope
> {
  const { id, opened, partOf, sql } = worker
  const taking = Effect.catchTag(JobLock.take(sql, `effect-claude batches ${opened.job}`), "JournalFailed", Effect.die)
  const held = yield* worker.attempt(Effect.provideService(taking, Scope.Scope, yield* Effect.scope))
  if (held === undefined) return undefined
  const begin = Effect.gen(function* () {
    yield* sql`SELECT 1 FROM effect_claude_jobs WHERE id = ${id} FOR UPDATE`
    const [last] = yield* Effect.flatMap(
      sql`SELECT MAX(run) AS run, (
            SELECT ended_at IS NULL FROM effect_claude_runs WHERE job = ${id} AND sends = 1 ORDER BY run DESC LIMIT 1
          ) AS died FROM effect_claude_runs WHERE job = ${id}`,
      decodeLast
    )
    const run = last.run + 1
    const { claimed } = worker
    const record = yield* RunRecord.beginning({ ...opened.settings, mode: "batches" })
    const columns = { claimed, part_of: partOf, sends: 1, total: 0, cost: "0" }
    yield* sql`INSERT INTO effect_claude_runs ${sql.insert({ job: id, run, ...columns, ...record })}`
    // Their workers have died, and the rows have ended elsewhere.
    yield* sql`DELETE FROM effect_claude_wanted w USING effect_claude_rows r
               WHERE w.job = ${id} AND r.id = w.row_id AND r.state = 1`
    return { run, hasDied: last.died === true }
  })
  const { hasDied, run } = yield* worker.attempt(held.transaction(begin))
  return { job: JobState.make({ ...opened, role: "sends", held, run, emulated: worker.emulated }), hasDied }
})

const decodeLast = Schema.decodeUnknownEffect(
  Schema.Tuple([Schema.Struct({ run: Schema.Int, died: Schema.NullOr(Schema.Boolean) })])
)

/** The calls of all workers, for the process that sends them. */
export const make = Effect.fnUntraced(function* (
  job: JobState.JobState,
  numbers: RowNumbers,
  writer: Writer
): Effect.fn.Return<Sending, never, Scope.Scope> {
  const { id, partOf, run, sql } = job
  /** Runs a statement on the connection that holds the lock, and returns its rows. */
  const write = (statement: Effect.Effect<ReadonlyArray<unknown>, SqlError>) =>
    Effect.suspend(() => {
      let rows: ReadonlyArray<unknown> = []
      return Effect.map(writer.change(Effect.map(statement, (found) => (rows = found))), () => rows)
    })
  const ended = yield* GroupCommit.make(
    (group: ReadonlyArray<{ readonly row: number; readonly key: string; readonly failure: string | null }>) =>
      Effect.asVoid(
        write(
          sql`UPDATE effect_claude_wanted w SET state = 1, failure = v.failure
            FROM JSON_TO_RECORDSET(${JSON.stringify(group)}) AS v("row" BIGINT, key TEXT, failure TEXT)
            WHERE w.row_id = v."row" AND w.key = v.key`
        )
      )
  )
  /** Takes calls. One that needs no batch ends at once: the sender before this one may have stored its reply. */
  const taking = (count: number) =>
    sql`WITH fresh AS (
            SELECT row_id, key FROM effect_claude_wanted WHERE job = ${id} AND state = 0 AND taken < ${run}
            ORDER BY row_id LIMIT ${count}
          )
          UPDATE effect_claude_wanted w SET taken = ${run}, state = CASE WHEN r.state = 1 OR EXISTS (
              SELECT 1 FROM effect_claude_calls c
              WHERE c.row_id = w.row_id AND c.path = w.path AND c.hash = w.hash AND c.occurrence = w.occurrence
            ) THEN 1 ELSE 0 END
          FROM fresh, effect_claude_rows r WHERE w.row_id = fresh.row_id AND w.key = fresh.key AND r.id = w.row_id
          RETURNING CAST(w.row_id AS DOUBLE PRECISION) AS row_id, w.key, w.path, w.hash, w.occurrence, w.request,
            w.state, r.name, r.key AS long, r.ordinal`
  return {
    take: (count) =>
      Effect.map(
        Effect.flatMap(write(taking(count)), (rows) => job.attempt(decodeWanted(rows))),
        (rows) =>
          rows.flatMap(({ hash, key, long, name, occurrence, ordinal, path, request, row_id: row, state }) => {
            const rowKey = RowId.keyOf({ id: name, key: long })
            numbers.remember(rowKey, { number: row, ordinal, isOpen: true })
            return state === 1 ? [] : [{ call: { row: rowKey, path, hash, occurrence }, request, id: { row, key } }]
          })
      ),
    settle: ({ id }, outcome) =>
      ended({ ...id, failure: Result.isFailure(outcome) ? encodeFailure(outcome.failure) : null }),
    isQuiet: job.attempt(
      Effect.map(
        sql`WITH alive AS (
              SELECT run, quiet FROM effect_claude_runs
              WHERE job = ${id} AND part_of = ${partOf} AND ended_at IS NULL
                AND seen_at > EXTRACT(EPOCH FROM CLOCK_TIMESTAMP()) * 1000 - ${patience})
            SELECT 1 WHERE EXISTS (SELECT 1 FROM alive WHERE quiet = 0)
              OR EXISTS (SELECT 1 FROM effect_claude_wanted WHERE job = ${id} AND state = 0 AND taken < ${run})
              OR EXISTS (SELECT 1 FROM effect_claude_wanted w JOIN alive ON alive.run = w.asker
                         WHERE w.job = ${id} AND w.state <> 0)`,
        (busy) => busy.length === 0
      )
    )
  }
})

const encodeFailure = Schema.encodeSync(Schema.fromJsonString(ClaudeError))

/** Whether a value has the fields that every request has. */
const isRequest = (data: unknown): data is Request =>
  Predicate.hasProperty(data, "model") &&
  Predicate.isString(data.model) &&
  Predicate.hasProperty(data, "max_tokens") &&
  Predicate.isNumber(data.max_tokens) &&
  Predicate.hasProperty(data, "messages") &&
  Array.isArray(data.messages)

const decodeWanted = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      row_id: Schema.Int,
      key: Schema.String,
      path: Schema.String,
      hash: Schema.String,
      occurrence: Schema.Int,
      request: Schema.fromJsonString(Schema.declare(isRequest)),
      state: Schema.Int,
      name: Schema.String,
      long: Schema.NullOr(Schema.String),
      ordinal: Schema.Int
    })
  )
)
