/**
 * `effect-claude run --database`: submits a job for workers on any number of machines, and shows how far they are. It may
 * leave: the workers continue, and the same command watches again. When every row has ended, it writes the output.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Job from "../pipeline/Job.ts"
import type * as Journal from "../pipeline/Journal.ts"
import * as Progress from "../pipeline/Progress.ts"
import * as AskFirst from "./AskFirst.ts"
import * as Cluster from "./Cluster.ts"
import * as ClusterFlags from "./ClusterFlags.ts"
import { ExitWith } from "./ExitWith.ts"
import * as Log from "./Log.ts"
import * as NodeSources from "./NodeSources.ts"
import * as Postgres from "./Postgres.ts"
import * as Redis from "./Redis.ts"
import * as RunFailure from "./RunFailure.ts"
import type { RunFlags } from "./RunFlags.ts"
import * as RunOptions from "./RunOptions.ts"
import * as RunSettings from "./RunSettings.ts"
import * as WorkersProgress from "./WorkersProgress.ts"

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
      const ended = yield* WorkersProgress.watch(job.name, { database, queue }).pipe(
        Effect.onInterrupt(() =>
          Console.error(`${job.name}: it stays submitted, and workers continue; run the same command again to watch`)
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
