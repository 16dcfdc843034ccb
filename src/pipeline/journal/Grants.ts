/**
 * Divides the concurrency of a job between the processes that work on it. Each holds a grant, and sends no more calls at
 * once. The grants never exceed the concurrency together: a grant grows only by what the others have not, and shrinks when
 * the calls that use it have ended. The grant of a process that died is free at once; see `LockHolders.isLiving`.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as FairShares from "../FairShares.ts"
import * as JobLimits from "./JobLimits.ts"
import * as LockHolders from "./LockHolders.ts"
import type { JobState } from "./JobState.ts"

/** What a process wants at this moment, and what it cannot give back now. */
export interface Use {
  readonly wants: number
  /** Its calls in flight, and those that it may begin. */
  readonly held: number
}

/** The grants as this process sees them. */
export const make = (job: JobState) => {
  const { id, partOf, run, sql } = job
  const others = Effect.flatMap(
    sql`SELECT run, granted, wants FROM effect_claude_runs
        WHERE job = ${id} AND part_of = ${partOf} AND run <> ${run} AND ended_at IS NULL AND granted IS NOT NULL
          AND ${LockHolders.isLiving(sql, id, "run")}`,
    decode
  )
  const find = Effect.fnUntraced(function* (wants: number) {
    const { concurrency } = yield* JobLimits.read(sql, id, partOf)
    if (concurrency === undefined) return undefined
    const all = [...(yield* others), { run, granted: 0, wants }].toSorted((one, other) => one.run - other.run)
    const parts = FairShares.split(
      concurrency,
      all.map((one) => (one.run === run ? Infinity : one.wants))
    )
    const taken = all.reduce((sum, { granted }) => sum + granted, 0)
    const room = parts[all.findIndex((one) => one.run === run)] ?? 0
    return { part: Math.min(room, wants), room, free: concurrency - taken }
  })
  return {
    /**
     * The fair part of this process, at most what it wants; the part if it wanted more; and what the others have left.
     * Undefined without a limit.
     */
    look: (wants: number) => job.attempt(find(wants)),
    /** Takes the fair part as far as the others have left it, but not less than what is held. */
    take: ({ held, wants }: Use) =>
      job.attempt(
        job.held.transaction(
          Effect.gen(function* () {
            yield* sql`SELECT pg_advisory_xact_lock(hashtextextended('effect_claude calls ' || ${String(id)}, 0))`
            const found = yield* find(wants)
            const granted = found && Math.max(held, Math.min(found.part, found.free))
            yield* sql`UPDATE effect_claude_runs SET granted = ${granted ?? null}, wants = ${wants}
                       WHERE job = ${id} AND run = ${run}`
            return granted
          })
        )
      )
  }
}

const decode = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ run: Schema.Int, granted: Schema.Int, wants: Schema.Int }))
)
