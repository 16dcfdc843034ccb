/**
 * The place of a call in the program. Steps and jobs set it while they run; events, spans, logs and the cost report
 * read it. Outside of steps and jobs it is empty.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/**
 * The place of a call: the job, the key of the row, the names of the steps from outermost to innermost, and any labels.
 */
export interface CallSite {
  readonly job: string | undefined
  readonly row: string | undefined
  readonly path: ReadonlyArray<string>
  readonly labels: Readonly<Record<string, string>>
}

/** The call site of the running fiber. */
export const CallSite: Context.Reference<CallSite> = Context.Reference("effect-claude/CallSite", {
  defaultValue: (): CallSite => ({ job: undefined, row: undefined, path: [], labels: {} })
})

/** Runs an effect as a step: `name` is added to the end of the path of its calls. */
export const within =
  (name: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateService(effect, CallSite, (site) => ({ ...site, path: [...site.path, name] }))

/** Runs an effect as the work on one row of a job. */
export const row =
  (job: string, key: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateService(effect, CallSite, (site) => ({ ...site, job, row: key }))

/** Adds a label that reports can group by, such as a tenant or an experiment. */
export const label =
  (name: string, value: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.updateService(effect, CallSite, (site) => ({ ...site, labels: { ...site.labels, [name]: value } }))
