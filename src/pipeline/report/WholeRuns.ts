/**
 * The runs of a job as a report shows them: the runs of workers are parts of the run that submitted the job, and their
 * figures are summed up there. A job without workers has whole runs only.
 */
import * as BigDecimal from "effect/BigDecimal"
import type { Settings } from "../Journal.ts"

/** What is summed up. */
interface Figures {
  readonly run: number
  /** The run that submitted the job, for one of a worker. */
  readonly part_of: number | null
  readonly done: number
  readonly failed: number | null
  readonly calls: number
  readonly cost: BigDecimal.BigDecimal
  readonly unpriced: number
  readonly settings: Settings | null
}

/** Where a call belongs: its whole run, and the worker that made it. */
export interface Place<Run extends number | null> {
  readonly run: Run
  readonly worker?: string
}

/** The whole runs, and the place of a call by the number of its run. */
export const make = <A extends Figures>(runs: ReadonlyArray<A>) => {
  const parts = new Map(runs.flatMap((run) => (run.part_of === null ? [] : [[run.run, run] as const])))
  const whole = runs
    .filter(({ part_of: submission }) => submission === null)
    .map((run): A => {
      const own = runs.filter(({ part_of: submission }) => submission === run.run)
      return own.length === 0 ? run : { ...run, ...own.reduce<Sum>(add, run) }
    })
  const placeOf = <Run extends number | null>(run: Run): Place<Run | number> => {
    const part = run === null ? undefined : parts.get(run)
    if (part === undefined || part.part_of === null) return { run }
    const worker = part.settings?.worker
    return { run: part.part_of, ...(worker !== undefined && { worker }) }
  }
  return { whole, placeOf }
}

type Sum = Pick<Figures, "done" | "failed" | "calls" | "cost" | "unpriced">

const add = (sum: Sum, { calls, cost, done, failed, unpriced }: Sum): Sum => ({
  done: sum.done + done,
  failed: sum.failed === null && failed === null ? null : (sum.failed ?? 0) + (failed ?? 0),
  calls: sum.calls + calls,
  cost: BigDecimal.sum(sum.cost, cost),
  unpriced: sum.unpriced + unpriced
})
