/**
 * Prints how far the workers of a submitted job are, until every row has ended. While the database fails, it waits.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Progress from "../pipeline/Progress.ts"
import * as Cluster from "./Cluster.ts"
import { ExitWith } from "./ExitWith.ts"
import * as Outage from "./Outage.ts"
import { Outputs } from "./Outputs.ts"

/** The command ends after this many seconds without a worker, if the last one has stopped for good. */
const patience = 15

/** Prints a line whenever the numbers have changed, and ends where workers have stopped for good. */
export const watch = Effect.fnUntraced(function* (name: string, { database, queue }: Cluster.Servers) {
  const { stderr } = yield* Outputs
  let shown = ""
  let alone = 0
  let latest: Cluster.Progress | undefined
  const outage = Outage.make((line) => Console.error(`${name}: ${line}`))
  const show = (progress: Cluster.Progress) =>
    Effect.suspend(() => {
      latest = progress
      const line = lineOf(progress)
      if (line !== shown) stderr.write(`${name}: ${line}\n`)
      shown = line
      alone = progress.workers === 0 && progress.isOpen ? alone + 1 : 0
      const stop = lastStop(progress)
      return alone >= patience && stop !== undefined
        ? Effect.fail(new ExitWith(3, `no worker is left; the last one stopped: ${stop.detail ?? stop.outcome}`))
        : outage.ends
    })
  const watched = Cluster.watch(name, database, show, { queue })
  yield* Effect.retry(watched, {
    while: (error) => (Outage.isPassing(error) ? Effect.as(outage.fails(error.message), true) : Effect.succeed(false)),
    schedule: Schedule.spaced(pause)
  })
  return latest ?? (yield* Effect.die("the watch ended before it had read the job"))
})

/** Why the last worker stopped for good. One whose database has failed begins again by itself. */
export const lastStop = ({ stops }: Pick<Cluster.Progress, "stops">) =>
  stops.find(({ outcome }) => outcome !== "JobBroken")

/** The time between two attempts to read a database that has failed. */
const pause = "2 seconds"

const lineOf = ({ done, failed, total, totals, workers }: Cluster.Progress): string => {
  const { cost, unpriced } = totals.all
  const failures = failed > 0 ? `, ${failed} failed` : ""
  const money = Progress.cost({ cost, unpricedCalls: unpriced })
  return `${done} of ${total} rows done${failures}; ${Progress.counted(workers, "worker", "workers")}; ${money}`
}
