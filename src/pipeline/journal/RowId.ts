/**
 * The form in which the key of a row is stored. An index of PostgreSQL takes at most 2,704 bytes, so a long key is
 * found by its SHA-256 and is stored in a column without an index.
 */
import * as Sha256 from "../../claude/Sha256.ts"

/** The columns that identify a row. `key` is null if the id is the key. */
export interface RowId {
  readonly id: string
  readonly key: string | null
}

/** In UTF-16 code units, of which each takes at most 3 bytes in UTF-8. */
const longest = 500

/** Begins the id of a long key. A short key that begins like this is stored as a long one, so that ids never clash. */
const prefix = "sha256:"

/** The id of a row with this key, and the key itself where the id does not contain it. */
export const make = (key: string): RowId =>
  key.length > longest || key.startsWith(prefix) ? { id: prefix + Sha256.hex(key), key } : { id: key, key: null }

/** The key that `make` got. */
export const keyOf = ({ id, key }: RowId): string => key ?? id
