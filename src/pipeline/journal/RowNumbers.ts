/**
 * Finds the numbers of rows by their keys. The rows that are about to run are remembered, so that their writes need not
 * read the database.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { CallKey } from "../../claude/ReplyStore.ts"
import type { JobState } from "./JobState.ts"
import type { JournalFailed } from "./JournalError.ts"
import * as RowId from "./RowId.ts"
import { states } from "./Tables.ts"

/** A row in the database. */
export interface Numbered {
  readonly number: number
  readonly ordinal: number
  /** Whether this run has claimed it, and it is not done. */
  readonly isOpen: boolean
}

/** Twice as many rows are remembered at most, which is more than a run has in flight. */
const generation = 8192

/** Rows of one statement. */
const pageSize = 500

export interface RowNumbers {
  readonly remember: (key: string, row: Numbered) => void
  readonly forget: (key: string) => void
  /** The row with this key. Dies if the state has none. */
  readonly find: (key: string) => Effect.Effect<Numbered, JournalFailed>
  /** The rows of calls, in the same order. It reads several in one statement. */
  readonly ofCalls: <A extends { readonly call: Pick<CallKey, "row"> }>(
    calls: ReadonlyArray<A>
  ) => Effect.Effect<ReadonlyArray<readonly [call: A, row: Numbered]>, JournalFailed>
}

export const make = (job: JobState): RowNumbers => {
  // When the younger generation is full, the older one is dropped. Deleting one entry at a time from the front of a map
  // takes longer with every deletion.
  let younger = new Map<string, Numbered>()
  let older = new Map<string, Numbered>()
  const read = Effect.fnUntraced(function* (keys: ReadonlyArray<string>) {
    const ids = new Map(keys.map((key) => [RowId.make(key).id, key]))
    const found = yield* Effect.flatMap(
      job.sql`SELECT CAST(id AS DOUBLE PRECISION) AS id, run, ordinal, state, name FROM effect_claude_rows
        WHERE job = ${job.id} AND ${job.sql.in("name", [...ids.keys()])}`,
      decode
    )
    return found.map(({ id, name, ordinal, run, state }) => {
      const isOpen = run === job.claimed && state !== states.done
      return [ids.get(name) ?? name, { number: id, ordinal, isOpen }] as const
    })
  })
  const known = (key: string) => younger.get(key) ?? older.get(key)
  const orDie = (key: string, row: Numbered | undefined) =>
    row === undefined ? Effect.die(`row ${key} was never claimed`) : Effect.succeed(row)
  const ofCalls = Effect.fnUntraced(function* <A extends { readonly call: Pick<CallKey, "row"> }>(
    calls: ReadonlyArray<A>
  ) {
    const rows = new Map<string, Numbered | undefined>(calls.map(({ call: { row } }) => [row, known(row)]))
    const unknown = [...rows].flatMap(([key, row]) => (row === undefined ? [key] : []))
    for (const page of Arr.chunksOf(unknown, pageSize)) {
      for (const [key, row] of yield* job.attempt(read(page))) rows.set(key, row)
    }
    return yield* Effect.forEach(calls, (call) =>
      Effect.map(orDie(call.call.row, rows.get(call.call.row)), (row) => [call, row] as const)
    )
  })
  return {
    remember: (key, row) => {
      if (younger.size >= generation) {
        older = younger
        younger = new Map()
      }
      younger.set(key, row)
    },
    forget: (key) => {
      younger.delete(key)
      older.delete(key)
    },
    find: (key) => {
      const row = known(key)
      if (row !== undefined) return Effect.succeed(row)
      return Effect.flatMap(job.attempt(read([key])), ([found]) => orDie(key, found?.[1]))
    },
    ofCalls
  }
}

const decode = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({ id: Schema.Int, run: Schema.Int, ordinal: Schema.Int, state: Schema.Int, name: Schema.String })
  )
)
