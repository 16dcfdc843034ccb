/**
 * Finds the numbers of rows by their keys. The rows that are about to run are remembered, so that their writes need not
 * read the database.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
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

export interface RowNumbers {
  readonly remember: (key: string, row: Numbered) => void
  readonly forget: (key: string) => void
  /** The row with this key. Dies if the state has none. */
  readonly find: (key: string) => Effect.Effect<Numbered, JournalFailed>
}

export const make = (job: JobState): RowNumbers => {
  // When the younger generation is full, the older one is dropped. Deleting one entry at a time from the front of a map
  // takes longer with every deletion.
  let younger = new Map<string, Numbered>()
  let older = new Map<string, Numbered>()
  const read = Effect.fnUntraced(function* (key: string) {
    const [row] = yield* Effect.flatMap(
      job.sql`SELECT CAST(id AS DOUBLE PRECISION) AS id, run, ordinal, state FROM effect_claude_rows
        WHERE job = ${job.id} AND name = ${RowId.make(key).id}`,
      decode
    )
    if (row === undefined) return yield* Effect.die(`row ${key} was never claimed`)
    const { id, ordinal, run, state } = row
    return { number: id, ordinal, isOpen: run === job.claimed && state !== states.done }
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
      const known = younger.get(key) ?? older.get(key)
      return known === undefined ? job.attempt(read(key)) : Effect.succeed(known)
    }
  }
}

const decode = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ id: Schema.Int, run: Schema.Int, ordinal: Schema.Int, state: Schema.Int }))
)
