/**
 * The calls of a worker whose batches another process sends, on PostgreSQL. They are rows of a table until the worker has
 * taken their outcomes. Once a second, one statement takes the outcomes of all calls of the worker, and tells the sender
 * that the worker is alive, and whether each of its rows waits.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { ClaudeError } from "../../claude/ClaudeError.ts"
import type { Demand } from "../../claude/Demand.ts"
import type { Reply } from "../../claude/Reply.ts"
import type { CallKey } from "../../claude/ReplyStore.ts"
import { hash as hashOf, type Request } from "../../claude/Request.ts"
import * as Sha256 from "../../claude/Sha256.ts"
import * as StoredReply from "../../claude/StoredReply.ts"
import type { WantedCalls } from "../../claude/WantedCalls.ts"
import * as Bulk from "./Bulk.ts"
import * as GroupCommit from "./GroupCommit.ts"
import type { JobState } from "./JobState.ts"
import { JournalFailed } from "./JournalError.ts"
import type { RowNumbers } from "./RowNumbers.ts"

/** How often the outcomes are looked for. */
const interval = "1 second"

/** Outcomes of one statement. */
const pageSize = 500

/** Identifies a call within its row: also by what is sent, where a policy changed the request. */
export const keyOf = ({ hash, occurrence, path }: CallKey, request: Request): string =>
  Sha256.hex(JSON.stringify([path, hash, occurrence, hashOf(request)]))

type Waiter = Deferred.Deferred<Reply, ClaudeError | JournalFailed>

/** The calls of a worker, which takes their outcomes until the scope closes. */
export const make = Effect.fnUntraced(function* (
  job: JobState,
  numbers: RowNumbers
): Effect.fn.Return<WantedCalls<CallKey, JournalFailed>, never, Scope.Scope> {
  const { id, run, sql } = job
  const waiters = new Map<string, Set<Waiter>>()
  /** Calls that are not stored yet. */
  let storing = 0
  const runs = new Set<Demand>()
  let wasQuiet = false

  const insert = Bulk.make(
    sql,
    8,
    (values) => `INSERT INTO effect_claude_wanted (job, row_id, key, path, hash, occurrence, request, asker)
      VALUES ${values} ON CONFLICT (row_id, key) DO UPDATE SET asker = excluded.asker`
  )
  type Row = readonly [id: string, ...columns: ReadonlyArray<unknown>]
  const store = yield* GroupCommit.make((rows: ReadonlyArray<Row>) => {
    const unique = new Map(rows.map(([id, ...columns]) => [id, columns]))
    return job.attempt(job.held.commit((connection) => insert(connection, [...unique.values()])))
  })

  const isQuiet = () => storing === 0 && runs.size > 0 && [...runs].every((run) => run.isQuiet())
  const take = (quiet: boolean) =>
    Effect.flatMap(
      sql`WITH gone AS (
            DELETE FROM effect_claude_wanted WHERE (row_id, key) IN (
              SELECT row_id, key FROM effect_claude_wanted WHERE job = ${id} AND asker = ${run} AND state <> 0
              LIMIT ${pageSize})
            RETURNING row_id, key, path, hash, occurrence, failure),
          alive AS (
            UPDATE effect_claude_runs SET seen_at = EXTRACT(EPOCH FROM CLOCK_TIMESTAMP()) * 1000,
              quiet = CASE WHEN EXISTS (SELECT 1 FROM gone) THEN 0 ELSE CAST(${Number(quiet)} AS INTEGER) END
            WHERE job = ${id} AND run = ${run})
          SELECT CAST(g.row_id AS TEXT) AS row, g.key, g.failure, c.request_id, c.checksum, c.message FROM gone g
          LEFT JOIN LATERAL (
            SELECT request_id, checksum, message FROM effect_claude_calls c
            WHERE c.row_id = g.row_id AND c.path = g.path AND c.hash = g.hash AND c.occurrence = g.occurrence
            ORDER BY late, CASE late WHEN 1 THEN id ELSE -id END LIMIT 1
          ) c ON g.failure IS NULL`,
      decode
    )
  const look: Effect.Effect<void, JournalFailed> = Effect.gen(function* () {
    const quiet = isQuiet()
    const outcomes = yield* job.attempt(take(quiet && wasQuiet))
    wasQuiet = quiet && outcomes.length === 0
    for (const outcome of outcomes) {
      const found = waiters.get(`${outcome.row} ${outcome.key}`) ?? []
      for (const waiter of found) Deferred.doneUnsafe(waiter, resultOf(outcome))
    }
    if (outcomes.length === pageSize) yield* look
  })
  const failAll = (error: JournalFailed) =>
    Effect.sync(() => {
      for (const waiter of [...waiters.values()].flatMap((found) => [...found])) {
        Deferred.doneUnsafe(waiter, Effect.fail(error))
      }
    })
  yield* look.pipe(Effect.catch(failAll), Effect.andThen(Effect.sleep(interval)), Effect.forever, Effect.forkScoped)

  return {
    ask: (call, request) =>
      Effect.flatMap(numbers.find(call.row), ({ number }) => {
        const key = keyOf(call, request)
        const name = `${number} ${key}`
        const waiter: Waiter = Deferred.makeUnsafe()
        const enter = Effect.suspend(() => {
          const found = waiters.get(name) ?? new Set()
          waiters.set(name, found.add(waiter))
          storing += 1
          const { hash, occurrence, path } = call
          const row: Row = [name, id, number, key, path, hash, occurrence, JSON.stringify(request), run]
          return Effect.ensuring(
            store(row),
            Effect.sync(() => void (storing -= 1))
          )
        })
        const leave = Effect.sync(() => {
          const found = waiters.get(name)
          found?.delete(waiter)
          if (found?.size === 0) waiters.delete(name)
        })
        return Effect.ensuring(Effect.andThen(enter, Deferred.await(waiter)), leave)
      }),
    onQuiet: (run) => void runs.add(run)
  }
})

const Outcome = Schema.Struct({
  row: Schema.String,
  key: Schema.String,
  failure: Schema.NullOr(Schema.fromJsonString(ClaudeError)),
  request_id: Schema.NullOr(Schema.String),
  checksum: Schema.NullOr(Schema.String),
  message: Schema.NullOr(Schema.String)
})

const decode = Schema.decodeUnknownEffect(Schema.Array(Outcome))

const resultOf = ({ checksum, failure, message, request_id: requestId }: typeof Outcome.Type) => {
  if (failure !== null) return Effect.fail(failure)
  const restored =
    message === null || checksum === null
      ? undefined
      : StoredReply.decode({ message, checksum, ...(requestId !== null && { requestId }) })
  return restored === undefined
    ? Effect.fail(new JournalFailed({ detail: "the reply of a batch is missing, or has been changed" }))
    : Effect.succeed<Reply>({ ...restored, origin: "batch", rateLimits: undefined })
}
