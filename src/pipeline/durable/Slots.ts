/**
 * Numbers the identical calls of a row, which have one path and one request. A call takes the smallest free number when it
 * starts, so in every run of the row the same call finds the same stored reply. Pure, apart from its own state.
 */
import type * as StoredReply from "../../claude/StoredReply.ts"

/** A stored reply of a row, and the call that it answers; see `CallKey`. */
export interface Stored {
  readonly path: string
  readonly hash: string
  readonly occurrence: number
  /** Whether a verb discarded the reply. */
  readonly isRejected: boolean
  readonly reply: StoredReply.StoredReply
}

/** The number of a call, and its reply if one is stored. */
export interface Slot {
  readonly occurrence: number
  readonly stored: StoredReply.StoredReply | undefined
  /** Gives the number back. A call that ends without a stored reply must do so. */
  readonly release: () => void
}

/** The numbers of the calls of one row. */
export interface Slots {
  readonly take: (path: string, hash: string) => Slot
}

/** The numbers of the calls of one path and one request. */
interface Group {
  readonly taken: Set<number>
  readonly stored: Map<number, Stored>
}

/** What happens to rejected replies: they are replayed, or their numbers are never taken, so that Claude is asked again. */
export type Rejected = "replay" | "skip"

/** Starts with the stored replies of the row. */
export const make = (replies: ReadonlyArray<Stored>, rejected: Rejected): Slots => {
  const groups = new Map<string, Group>()
  const groupOf = (path: string, hash: string): Group => {
    const id = `${hash} ${path}`
    let group = groups.get(id)
    if (group === undefined) groups.set(id, (group = { taken: new Set(), stored: new Map() }))
    return group
  }
  for (const reply of replies) {
    const { stored, taken } = groupOf(reply.path, reply.hash)
    stored.set(reply.occurrence, reply)
    if (reply.isRejected && rejected === "skip") taken.add(reply.occurrence)
  }
  return {
    take: (path, hash) => {
      const { stored, taken } = groupOf(path, hash)
      let occurrence = 0
      while (taken.has(occurrence)) occurrence += 1
      taken.add(occurrence)
      return { occurrence, stored: stored.get(occurrence)?.reply, release: () => void taken.delete(occurrence) }
    }
  }
}
