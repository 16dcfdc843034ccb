/**
 * The rate limits that the API reported last to a run of a job, by group of models.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type Minute, StoredMinute } from "./CallLog.ts"
import type { JobState } from "./JobState.ts"

/** Limits per minute, by group of models. */
export type Limits = NonNullable<Minute["limits"]>

/** Minutes that are read. A run logs a limit when it learns it and when it changes, so few minutes have one. */
const minutes = 20

export const read = ({ id, sql }: JobState) =>
  Effect.map(
    Effect.flatMap(
      sql`SELECT detail FROM effect_claude_minutes WHERE job = ${id} AND detail LIKE '%"limits"%'
          ORDER BY run DESC, minute DESC LIMIT ${minutes}`,
      decode
    ),
    // If a group has two limits, the later one wins.
    (found): Limits => Object.assign({}, ...found.toReversed().map(({ detail }) => detail.limits ?? {}))
  )

const decode = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ detail: StoredMinute })))
