/**
 * `effect-claude worker`: works on submitted jobs beside any number of other workers. It waits for each job, joins at any
 * time, and on a signal ends its calls and gives its chunks back.
 */
import * as os from "node:os"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import { Event } from "../index.ts"
import type { WorkerFlags } from "./ClusterFlags.ts"
import { ExitWith } from "./ExitWith.ts"
import * as GracefulStop from "./GracefulStop.ts"
import * as Log from "./Log.ts"
import * as NodeSources from "./NodeSources.ts"
import * as NodeTransport from "./NodeTransport.ts"
import * as OtlpExport from "./OtlpExport.ts"
import * as Postgres from "./Postgres.ts"
import * as Redis from "./Redis.ts"
import * as RunFailure from "./RunFailure.ts"
import * as RunOptions from "./RunOptions.ts"
import * as HealthServer from "./work/HealthServer.ts"
import * as JobFiles from "./work/JobFiles.ts"
import * as Metrics from "./work/Metrics.ts"
import * as Readiness from "./work/Readiness.ts"
import * as Session from "./work/Session.ts"
import * as WorkerClaude from "./work/WorkerClaude.ts"

/** Works until a signal, or until every job has stopped. */
export const run = Effect.fnUntraced(
  function* (flags: WorkerFlags) {
    const database = Option.getOrElse(flags.database, () => "")
    if (!Postgres.isAddress(database)) {
      return yield* Effect.fail(new ExitWith(2, "name the database: --database postgres://host:5432/database"))
    }
    if (Option.isSome(flags.queue) && !Redis.isValid(flags.queue.value)) {
      return yield* Effect.fail(new ExitWith(2, `--queue ${Redis.invalid(flags.queue.value)}`))
    }
    const jobs = (yield* JobFiles.load(flags.jobs)).map((job) => RunOptions.apply(flags, job))
    const name = Option.getOrElse(flags.name, () => `${os.hostname()} ${process.pid}`)
    yield* work(flags, jobs, database, name).pipe(
      Effect.provide([OtlpExport.layerOf(name), NodeTransport.layer()]),
      Effect.mapError(RunFailure.toExit({ output: "" }, "--database")),
      Effect.catchIf(({ message }) => flags.json && message !== "", printAndExit),
      Effect.provide(flags.json ? Log.layerJson(name) : Log.layer)
    )
  },
  Effect.scoped,
  Effect.provide(NodeSources.layer),
  Effect.provideService(Metric.MetricRegistry, new Map())
)

/** The last message is one line of JSON, too. */
const printAndExit = ({ code, message }: ExitWith) =>
  Effect.andThen(Console.error(message), Effect.fail(new ExitWith(code)))

const work = Effect.fnUntraced(function* (
  flags: WorkerFlags,
  jobs: ReadonlyArray<RunOptions.AnyJob>,
  database: string,
  name: string
) {
  const { calls, emulated, join, ofJob, sender } = yield* WorkerClaude.make(flags)
  const settings = { mode: "direct" as const, worker: name, concurrency: calls }
  const queue = Option.getOrUndefined(flags.queue)
  const sessions = jobs.map((job) =>
    Session.make(job, { database, queue, emulated, settings, gate: join() }, ofJob, sender)
  )
  const readiness = yield* Readiness.make
  yield* Metrics.countWorker(name)
  if (Option.isSome(flags.healthPort)) yield* HealthServer.serve(readiness, flags.healthPort.value)
  const names = sessions.map(({ name }) => name).join(", ")
  yield* Console.error(
    `${names}: this worker looks for rows in ${Postgres.withoutSecrets(database)}; up to ${calls} direct calls at once`
  )
  const all = Effect.forEach(
    sessions,
    ({ name, run }) =>
      Effect.flatMap(Metrics.listener(name), (measure) =>
        Event.listen(Event.both(readiness.listener(name), measure))(run)
      ),
    { concurrency: sessions.length }
  )
  const [codes] = yield* GracefulStop.run(all, {
    hasBegun: () => sessions.some(({ isRunning }) => isRunning()),
    before: readiness.drain
  })
  const code = Math.max(...codes)
  if (code > 0) return yield* Effect.fail(new ExitWith(code))
})
