/**
 * `effect-claude worker`: works on a submitted job beside any number of other workers. It waits for the job, joins at any
 * time, and on a signal ends its calls and gives its chunks back.
 */
import * as os from "node:os"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { AnthropicClient, Budget, Claude, Event } from "../index.ts"
import { JobBroken } from "../pipeline/Job.ts"
import type * as Journal from "../pipeline/Journal.ts"
import * as Progress from "../pipeline/Progress.ts"
import * as Cluster from "./Cluster.ts"
import type { WorkerFlags } from "./ClusterFlags.ts"
import * as EmulatorProbe from "./EmulatorProbe.ts"
import * as EmulatorProcess from "./EmulatorProcess.ts"
import { ExitWith } from "./ExitWith.ts"
import * as GracefulStop from "./GracefulStop.ts"
import * as JobFile from "./JobFile.ts"
import * as Log from "./Log.ts"
import * as NodeSources from "./NodeSources.ts"
import * as NodeTransport from "./NodeTransport.ts"
import * as OtlpExport from "./OtlpExport.ts"
import * as Postgres from "./Postgres.ts"
import * as RunFailure from "./RunFailure.ts"
import * as RunOptions from "./RunOptions.ts"

/** How long a worker waits before it looks again for a job, or for a database that has failed. */
const pause = "1 second"

/** Works until a signal. */
export const run = Effect.fnUntraced(
  function* (flags: WorkerFlags) {
    const database = Option.getOrElse(flags.database, () => "")
    if (!Postgres.isAddress(database)) {
      return yield* Effect.fail(new ExitWith(2, "name the database: --database postgres://host:5432/database"))
    }
    const loaded = yield* Effect.mapError(JobFile.load(flags.job), ({ message }) => new ExitWith(2, message))
    const job = RunOptions.apply(flags, loaded)
    yield* works(flags, job, database).pipe(
      Effect.provide(OtlpExport.layer),
      Effect.provide([NodeTransport.layer(), Log.layer]),
      Effect.mapError(RunFailure.toExit({ output: "" }))
    )
  },
  Effect.scoped,
  Effect.provide(NodeSources.layer)
)

/** The tags of failures that end when the database has restarted. */
const passing = new Set(["JournalFailed", "DispatcherFailed", "PostgresFailed"])

const works = Effect.fnUntraced(function* (flags: WorkerFlags, job: RunOptions.AnyJob, database: string) {
  const api = yield* flags.emulator ? Layer.build(layerEmulator) : Layer.build(Claude.layerConfig())
  const emulated = flags.emulator || (yield* EmulatorProbe.probe)
  const policies = yield* RunOptions.ofStack(flags, emulated)
  const concurrency = Option.getOrElse(flags.concurrency, () => 64)
  const claude = ({ budget = "" }: Journal.Settings) => {
    const cap = Option.getOrUndefined(Schema.decodeOption(Budget.Amount)(budget))
    return Layer.succeedContext(api).pipe(
      Claude.stack({ ...policies, concurrency, ...(cap !== undefined && { budget: Budget.from({ cap }) }) })
    )
  }
  const settings = { mode: "direct" as const, worker: `${os.hostname()} ${process.pid}`, concurrency }
  /** Whether rows run now, and whether rows have run before. */
  let isRunning = false
  let hasRun = false
  let rows = 0
  const print = (text: string) => Console.error(`${job.name}: ${text}`)
  const observe = (event: Event.Event) => {
    if (event._tag === "run-paced") isRunning = hasRun = true
    if (event._tag === "row-finished") rows += 1
  }
  const session = Cluster.work(job, { database, emulated, settings }, claude).pipe(
    Effect.provide(Postgres.layer(database)),
    Event.listen((event) => Effect.sync(() => observe(event))),
    Effect.scoped,
    Effect.ensuring(Effect.sync(() => void (isRunning = false)))
  )
  let waiting = ""
  /** Waits, and says once for what. */
  const again = (message: string) => {
    const isNew = waiting !== message
    waiting = message
    return Effect.andThen(isNew ? print(message) : Effect.void, Effect.sleep(pause))
  }
  /** A database that this process has read once will come back. */
  const isPassing = ({ _tag }: { readonly _tag: string }) => _tag === "JobNotSubmitted" || (hasRun && passing.has(_tag))
  const once = session.pipe(
    Effect.catchIf(isPassing, ({ message }) => Effect.as(again(message), undefined)),
    Effect.catchDefect((defect) =>
      hasRun && defect instanceof Error ? Effect.as(again(defect.message), undefined) : Effect.die(defect)
    )
  )
  const work = Effect.gen(function* () {
    while (true) {
      const stopped = (yield* once)?.stopped
      if (stopped === "signal") return
      if (stopped === undefined || stopped === "wanted") continue
      if (stopped instanceof JobBroken) yield* again(stopped.message)
      else return yield* Effect.fail(new ExitWith(3, typeof stopped === "string" ? stopped : stopped.message))
    }
  })
  yield* print(`works on ${Postgres.withoutSecrets(database)}, with up to ${concurrency} calls at once`)
  yield* GracefulStop.run(work, { hasBegun: () => isRunning, before: Effect.void })
  yield* print(`${Progress.counted(rows, "row has", "rows have")} ended here; unfinished chunks are given back`)
})

const layerEmulator = Layer.unwrap(
  Effect.map(EmulatorProcess.start, (baseURL) =>
    Claude.layer.pipe(Layer.provideMerge(AnthropicClient.layer({ apiKey: Redacted.make("emulator"), baseURL })))
  )
)
