/**
 * Whether a worker can work on rows: a fold over the events of its jobs. It is ready while it has joined one of them and
 * reads its state in the database every second, and no longer once it drains.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Event from "../../claude/Event.ts"
import { redact } from "../../claude/Redact.ts"
import * as Timer from "../../claude/Timer.ts"

/** A database that has not answered for this many milliseconds counts as lost. */
const patience = 5000

/** The readiness of one worker. */
export interface Readiness {
  /** A listener for the events of one job. */
  readonly listener: (job: string) => Event.Listener
  /** From now on, the worker takes no more rows. */
  readonly drain: Effect.Effect<void>
  /** Why the worker is not ready, without secrets; undefined if it is. */
  readonly problem: Effect.Effect<string | undefined>
}

/** Not ready until the worker has joined a job. */
export const make: Effect.Effect<Readiness> = Effect.map(Clock.Clock, (clock) => {
  /** For each job, when the database answered last, or what the worker waits for. */
  const jobs = new Map<string, number | string>()
  let isDraining = false
  const problemOf = ([job, state]: readonly [string, number | string]) => {
    if (typeof state === "string") return `${job}: ${state}`
    const silent = Timer.now(clock) - state
    return silent < patience
      ? undefined
      : `${job}: the database has not answered for ${Math.round(silent / 1000)} seconds`
  }
  return {
    listener: (job) => (event) =>
      Effect.sync(() => {
        if (event._tag === "job-waits") jobs.set(job, event.reason)
        if (event._tag === "run-checked") jobs.set(job, Timer.now(clock))
      }),
    drain: Effect.sync(() => void (isDraining = true)),
    problem: Effect.sync(() => {
      if (isDraining) return "the worker drains: its calls in flight end, and it takes no more rows"
      const problems = Array.from(jobs, problemOf)
      if (problems.includes(undefined)) return undefined
      return problems.length === 0 ? "the worker starts" : redact(problems.join("; "))
    })
  }
})
