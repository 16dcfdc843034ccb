/**
 * Numbers the callers in a line so that jobs take turns, however many calls of one job wait: the numbers of a new job begin
 * after the call that was let in last, and not at the end of the line. The calls of one job keep their order. (Start-time
 * fair queueing, https://doi.org/10.1145/248157.248171)
 */

/** The numbers of one line. */
export interface Tickets {
  /** The number of the next call of a job. */
  readonly next: (job: string | undefined) => number
  /** The call with this number is let in. */
  readonly served: (ticket: number) => void
}

/** The numbers of an empty line. */
export const make = (): Tickets => {
  const last = new Map<string | undefined, number>()
  let now = 0
  return {
    next: (job) => {
      const ticket = Math.max(now, last.get(job) ?? 0) + 1
      last.set(job, ticket)
      return ticket
    },
    served: (ticket) => {
      now = Math.max(now, ticket)
    }
  }
}
