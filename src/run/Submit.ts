/**
 * `effect-claude run --database`: submits a job for workers on any number of machines, and shows how far they are. It may
 * leave: the workers continue, and the same command watches again. When every row has ended, it writes the output.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Job from "../pipeline/Job.ts"
import type * as Journal from "../pipeline/Journal.ts"
import * as Progress from "../pipeline/Progress.ts"
import * as AskFirst from "./AskFirst.ts"
import * as Cluster from "./Cluster.ts"
import * as ClusterFlags from "./ClusterFlags.ts"
import { ExitWith } from "./ExitWith.ts"
import * as Log from "./Log.ts"
import * as NodeSources from "./NodeSources.ts"
import * as Outage from "./Outage.ts"
import * as Postgres from "./Postgres.ts"
import * as Redis from "./Redis.ts"
import * as RunFailure from "./RunFailure.ts"
import type { RunFlags } from "./RunFlags.ts"
import * as RunOptions from "./RunOptions.ts"
import * as RunSettings from "./RunSettings.ts"
import { Outputs } from "./Outputs.ts"

/** The run ends after this many seconds without a worker. */
const patience = 15

/** Submits the job that a command makes, watches it, and writes its output. */
export const run = Effect.fnUntraced(
  function* <Row, Out, E, R>(
    flags: RunFlags & { readonly database: string; readonly queue: Option.Option<string>; readonly job: string },
    makeJob: Effect.Effect<Job.Job<Row, Out, E>, ExitWith, R>,
    command: Journal.Command
  ) {
    const refuse = (message: string) => Effect.fail(new ExitWith(2, message))
    const { database } = flags
    const queue = Option.getOrUndefined(flags.queue)
    if (!Postgres.isAddress(database)) return yield* refuse(`--database ${database} is no address: ${write}`)
    if (queue !== undefined && !Redis.isValid(queue)) return yield* refuse(`--queue ${Redis.invalid(queue)}`)
    const foreign = ClusterFlags.foreign(flags)
    if (foreign.length > 0) return yield* refuse(`${foreign.join(", ")}: with --database, give this to the workers`)
    if (flags.keep && flags.rerun) return yield* refuse("--keep and --rerun exclude each other")
    const job = RunOptions.apply(flags, yield* makeJob)
    const output = Option.getOrElse(flags.output, () => job.sink)
    const { path: input } = job.source
    const settings = yield* RunSettings.of(flags, { ...(input !== undefined && { input }), output })
    const { changed, rejects } = RunOptions.ofRun(flags)
    const options = {
      ...(changed && { changed }),
      ...(rejects !== undefined && { rejects }),
      output,
      settings,
      command,
      queue
    }
    const place = Postgres.withoutSecrets(database)
    yield* Effect.gen(function* () {
      // A submission calls Claude for no row.
      const submission = yield* Effect.provide(Cluster.submit(job, options), AskFirst.layerStandIn)
      const workers = `workers join with: effect-claude worker --database ${place} ${queue === undefined ? "" : `--queue ${Postgres.withoutSecrets(queue)} `}${flags.job}`
      yield* Console.error(`${job.name}: submitted${submission.isKnown ? " before" : ""} to ${place}; ${workers}`)
      const ended = yield* watching(job.name, { database, queue }).pipe(
        Effect.onInterrupt(() =>
          Console.error(`${job.name}: the workers continue; run the same command again to watch`)
        )
      )
      const { emulated, failuresFile, problems } = yield* Cluster.write(job, output)
      const { done, failed, totals, total } = ended
      const invalid = submission.rejectsFile === undefined ? submission.invalid : 0
      const code = failed + invalid > 0 ? 1 : 0
      const { calls, cost, unpriced } = totals.all
      const json = {
        total: total + submission.invalid,
        done,
        failed,
        invalid: submission.invalid,
        calls,
        cost: BigDecimal.format(cost),
        unpricedCalls: unpriced,
        emulated,
        output,
        failuresFile: failuresFile ?? null,
        exitCode: code
      }
      const lines = [
        `${done} of ${total + submission.invalid} rows are done: ${output} (database: ${place})`,
        ...(failed > 0
          ? [`${failed} failed; correct them and run the same command again, which tries only them:`]
          : []),
        ...[...problems, ...(submission.rejectsFile === undefined ? submission.problems : [])].map(
          (line) => `  ${line}`
        ),
        ...(failuresFile === undefined ? [] : [`All failed rows, with attempts and cost: ${failuresFile}`]),
        `${Progress.counted(calls, "call", "calls")}: ${Progress.cost({ cost, unpricedCalls: unpriced })}`,
        ...(emulated ? ["An emulator answered, not Claude: nothing was billed."] : [])
      ]
      yield* Console.log(flags.json ? JSON.stringify(json) : lines.join("\n"))
      if (code !== 0) return yield* Effect.fail(new ExitWith(code))
    }).pipe(Effect.provide(Postgres.layer(database)), Effect.mapError(RunFailure.toExit({ output }, "--database")))
  },
  Effect.scoped,
  Effect.provide([NodeSources.layer, Log.layer])
)

const write = "write postgres://host:5432/database"

/** Prints a line whenever the numbers have changed, and ends where workers have stopped for good. */
const watching = Effect.fnUntraced(function* (name: string, { database, queue }: Cluster.Servers) {
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
  const watch = Cluster.watch(name, database, show, { queue })
  yield* Effect.retry(watch, {
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
