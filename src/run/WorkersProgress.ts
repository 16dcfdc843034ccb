/**
 * Prints how far the workers of a submitted job are, until every row has ended: on a terminal every second, elsewhere
 * every 5 seconds. While the database fails, it waits.
 */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Timer from "../claude/Timer.ts"
import * as Progress from "../pipeline/Progress.ts"
import * as Cluster from "./Cluster.ts"
import { ExitWith } from "./ExitWith.ts"
import * as Outage from "./Outage.ts"
import { Outputs } from "./Outputs.ts"

/** The command ends after this many seconds without a worker, if the last one has stopped for good. */
const patience = 15

/** The least time between two lines, in milliseconds, where the output is no terminal. */
const interval = 5000

/** Prints a line if it differs from the one before, and if the one before is old enough or this one is the last. */
export const printer = (isTerminal: boolean, write: (text: string) => unknown) => {
  let shown = ""
  let printed = -Infinity
  return (line: string, isLast: boolean): Effect.Effect<void> =>
    Effect.map(Clock.Clock, (clock) => {
      const now = Timer.now(clock)
      const isDue = isLast || isTerminal || now - printed >= interval
      if (line === shown || !isDue) return
      shown = line
      printed = now
      write(`${line}\n`)
    })
}

/** Prints the numbers when they have changed, and ends where workers have stopped for good. */
export const watch = Effect.fnUntraced(function* (name: string, { database, queue }: Cluster.Servers) {
  const { stderr } = yield* Outputs
  const print = printer(stderr.isTTY === true, (text) => stderr.write(text))
  let alone = 0
  let latest: Cluster.Progress | undefined
  const outage = Outage.make((line) => Console.error(`${name}: ${line}`))
  const show = (progress: Cluster.Progress) =>
    Effect.gen(function* () {
      latest = progress
      yield* print(`${name}: ${lineOf(progress)}`, !progress.isOpen)
      alone = progress.workers === 0 && progress.isOpen ? alone + 1 : 0
      const stop = lastStop(progress)
      if (alone >= patience && stop !== undefined) {
        const why = stop.detail ?? stop.outcome
        return yield* Effect.fail(new ExitWith(3, `no worker is left; the last one stopped: ${why}`))
      }
      yield* outage.ends
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

/** How far a job is, as a line. */
export const lineOf = ({ done, failed, isOpen, total, totals, workers }: Cluster.Progress): string => {
  const { cost, unpriced } = totals.all
  const failures = failed > 0 ? `, ${failed} failed` : ""
  const money = Progress.cost({ cost, unpricedCalls: unpriced })
  const counted = Progress.counted(workers, "worker", "workers")
  const working = isOpen && workers === 0 ? "no worker is on, and rows wait for one" : counted
  return `${done} of ${total} rows done${failures}; ${working}; ${money}`
}
