/**
 * Replies under keys that an application chooses, in the tables of the journal. No run, lock or chunk belongs to them: any
 * number of processes may use them. The job of these keys has no run, so lists of jobs leave it out.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import type { Answer, CallKey } from "../../claude/ReplyStore.ts"
import type { Request } from "../../claude/Request.ts"
import * as StoredReply from "../../claude/StoredReply.ts"
import * as Attempt from "./Attempt.ts"
import * as Calls from "./Calls.ts"
import * as GroupCommit from "./GroupCommit.ts"
import { type JournalFailed, JournalTooNew } from "./JournalError.ts"
import * as Opening from "./Opening.ts"
import * as RequestText from "./RequestText.ts"
import * as RowId from "./RowId.ts"
import * as Tables from "./Tables.ts"

/** A reply to store, and when it came, in milliseconds since 1970. */
export interface Kept extends Answer {
  readonly storedAt: number
}

export interface KeyedReplies {
  /** The replies of a key. */
  readonly of: (key: string) => Effect.Effect<ReadonlyArray<Calls.StoredCall>, JournalFailed>
  /** Returns after the commit. The key is the row of the call. */
  readonly save: (kept: Kept) => Effect.Effect<void, JournalFailed>
  /** Marks a reply as one that the program could not use. */
  readonly reject: (call: CallKey, request: Request) => Effect.Effect<void, JournalFailed>
  /** Removes the keys without a reply since `time`, in milliseconds since 1970, and returns their number. */
  readonly removeBefore: (time: number) => Effect.Effect<number, JournalFailed>
}

/** Opens the keys of an application, and creates the tables where they are missing. Its writer lives as long as the scope. */
export const open = Effect.fnUntraced(function* (application: string) {
  const client = yield* SqlClient
  const sql = client.withoutTransforms()
  const state = yield* Effect.mapError(Opening.nameOf(sql), (error) => Attempt.failed(error, ""))
  const attempt = Attempt.on(state)
  const version = yield* Effect.mapError(Tables.migrate, (error) => Attempt.failed(error, state))
  if (version > Tables.version) return yield* new JournalTooNew({ state, version })
  const name = `the calls of ${application}`
  const [{ id: job }] = yield* attempt(
    sql`INSERT INTO effect_claude_jobs ${sql.insert({ name, shape: "null", run: 0 })} ON CONFLICT (name) DO NOTHING`.pipe(
      Effect.andThen(sql`SELECT id FROM effect_claude_jobs WHERE name = ${name}`),
      Effect.flatMap(decodeJob)
    )
  )
  const rowOf = (key: string) =>
    sql`SELECT CAST(id AS DOUBLE PRECISION) AS id FROM effect_claude_rows WHERE job = ${job} AND name = ${RowId.make(key).id}`
  const insert = Effect.fnUntraced(function* (writes: Arr.NonEmptyReadonlyArray<Kept>) {
    const keys = Arr.dedupe(Arr.map(writes, ({ call }) => call.row))
    const rows = Arr.map(Arr.map(keys, RowId.make), ({ id, key }) => ({ job, name: id, key, ...newRow }))
    // Every row is written, so that it is locked and returned, also one that another process has added.
    const numbers = yield* Effect.flatMap(
      sql`INSERT INTO effect_claude_rows ${sql.insert(rows)}
          ON CONFLICT (job, name) DO UPDATE SET run = 0 RETURNING CAST(id AS DOUBLE PRECISION) AS id, name`,
      decodeRows
    )
    const numberOf = new Map(numbers.map(({ id, name }) => [name, id]))
    const calls = Arr.map(writes, ({ call, reply, storedAt, timing }) => {
      const { checksum, message, requestId = null } = StoredReply.encode(reply)
      return {
        row_id: numberOf.get(RowId.make(call.row).id),
        path: call.path,
        hash: call.hash,
        occurrence: call.occurrence,
        rejected: 0,
        request_id: requestId,
        checksum,
        message,
        run: 0,
        stored_at: storedAt,
        duration: timing === undefined ? null : Math.round(timing.duration),
        origin: reply.origin
      }
    })
    yield* sql`INSERT INTO effect_claude_calls ${sql.insert(calls)}`
  })
  const save = yield* GroupCommit.make((writes: Arr.NonEmptyReadonlyArray<Kept>) =>
    attempt(sql.withTransaction(Effect.forEach(Arr.chunksOf(writes, pageSize), insert, { discard: true })))
  )
  return {
    of: (key) => attempt(Effect.map(Calls.ofRows({ sql }, rowOf(key)), (found) => [...found.values()].flat())),
    save,
    reject: (call, request) =>
      attempt(
        Effect.flatMap(Effect.flatMap(rowOf(call.row), decodeNumbers), (rows) =>
          Effect.forEach(rows, ({ id }) => Calls.reject({ sql }, id, call, RequestText.of(request)), { discard: true })
        )
      ),
    removeBefore: (time) =>
      attempt(
        sql.withTransaction(
          Effect.gen(function* () {
            const old = sql`SELECT r.id FROM effect_claude_rows r WHERE r.job = ${job} AND NOT EXISTS (
              SELECT 1 FROM effect_claude_calls c WHERE c.row_id = r.id AND c.stored_at >= ${time})`
            // A process may store a reply at this moment. What follows reads again which keys are old.
            yield* sql.onDialectOrElse({ pg: () => sql`${old} FOR UPDATE OF r`, orElse: () => Effect.void })
            yield* sql`DELETE FROM effect_claude_calls WHERE row_id IN (${old})`
            const removed = yield* sql`DELETE FROM effect_claude_rows WHERE id IN (${old}) RETURNING id`
            return removed.length
          })
        )
      )
  } satisfies KeyedReplies
})

/** Replies of one statement. */
const pageSize = 256

/** A key is a row without a place in an input. */
const newRow = { run: 0, ordinal: 0, state: Tables.states.pending, size: 0 }

const decodeJob = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ id: Schema.Int })]))

const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ id: Schema.Int, name: Schema.String })))

const decodeNumbers = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ id: Schema.Int })))
