/**
 * `effect-claude run`: runs a job, or resumes it. The flags choose the layers; the work is in `pipeline`.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { SqlClient } from "effect/sql/SqlClient"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { AnthropicClient, Claude, Event } from "../../index.ts"
import * as Dataset from "../../pipeline/Dataset.ts"
import * as Job from "../../pipeline/Job.ts"
import * as Journal from "../../pipeline/Journal.ts"
import * as CacheStore from "../CacheStore.ts"
import * as Display from "../Display.ts"
import * as EmulatorProbe from "../EmulatorProbe.ts"
import * as EmulatorProcess from "../EmulatorProcess.ts"
import { ExitWith } from "../ExitWith.ts"
import { json, positive, text, toggle } from "../Flags.ts"
import * as JobFile from "../JobFile.ts"
import * as JobReport from "../JobReport.ts"
import * as Log from "../Log.ts"
import * as NodeTransport from "../NodeTransport.ts"
import * as OtlpExport from "../OtlpExport.ts"
import * as Postgres from "../Postgres.ts"
import * as RunFailure from "../RunFailure.ts"
import * as Sqlite from "../Sqlite.ts"

const flags = {
  job: Argument.String("job").pipe(Argument.withDescription("The file whose default export is the job")),
  input: text("input", "The file with the rows, instead of the job's own"),
  output: text("output", "The file for the results, as NDJSON"),
  state: text(
    "state",
    "Where the finished rows are recorded: a file, by default next to the output, or postgres://host:5432/database"
  ),
  model: text("model", "The model of prompts that name none"),
  cache: text(
    "cache",
    "Store answers, and reuse them for identical requests: a file, redis://host:6379 or postgres://host:5432/database"
  ),
  concurrency: positive("concurrency", "Calls in flight at once").pipe(Flag.withDefault(64)),
  promptCache: Flag.Literals("prompt-cache", ["5m", "1h"]).pipe(
    Flag.withDescription("Let the API cache the parts that prompts share, for this long after each use"),
    Flag.optional
  ),
  limit: positive("limit", "Stop after this many rows; the next run continues").pipe(Flag.optional),
  emulator: toggle("emulator", "Use an emulator on this machine instead of Claude: no key, no cost"),
  json
}
type Flags = Command.Command.Config.Infer<typeof flags>
type AnyJob = Job.Job<never, unknown, unknown>

export const run = Command.make(
  "run",
  flags,
  Effect.fn("Cli.run")(function* (flags) {
    const declared = yield* Effect.mapError(JobFile.load(flags.job), ({ message }) => new ExitWith(2, message))
    const job = withModel(flags, withInput(flags, declared))
    const output = Option.getOrElse(flags.output, () => job.sink)
    const state = Option.getOrElse(flags.state, () => `${output.replace(/\.\w+$/, "")}.state.sqlite`)
    yield* execute(flags, job, { output, state }).pipe(
      Effect.provide(OtlpExport.layer),
      Effect.provide([NodeTransport.layer(), Log.layer]),
      Effect.mapError(RunFailure.toExit({ output }))
    )
  }, Effect.scoped)
).pipe(
  Command.withDescription("Run a job, or resume one that was stopped"),
  Command.withExamples([{ command: "effect-claude run job.ts --output results.jsonl" }])
)

/** Finds out whether an emulator answers, runs the job, and prints the report. */
const execute = Effect.fnUntraced(function* (
  flags: Flags,
  job: AnyJob,
  { output, state }: { readonly output: string; readonly state: string }
) {
  const api = yield* flags.emulator ? Layer.build(layerEmulator) : Layer.build(Claude.layerConfig())
  const emulated = flags.emulator || (yield* EmulatorProbe.probe)
  const claude = Layer.succeedContext(api).pipe(Claude.stack(stackOptions(flags, emulated)))
  const journal = Journal.layer({ job: job.name, shape: Job.shape(job), emulated }).pipe(
    Layer.provide(stateStore(state))
  )
  const options = { output, ...Option.match(flags.limit, { onNone: () => ({}), onSome: (limit) => ({ limit }) }) }
  const place = Postgres.isAddress(state) ? Postgres.withoutSecrets(state) : state
  let begun = false
  const work = Job.run(job, options).pipe(
    Event.listen((event) => Effect.sync(() => (begun ||= event._tag === "rows-counted")))
  )
  yield* Effect.gen(function* () {
    const [summary, progress] = yield* Display.show(job.name, work)
    const report = { summary, progress, output, state: place }
    yield* Console.log(flags.json ? JobReport.toJson(report) : JobReport.toText(report))
    const code = JobReport.exitCode(report)
    if (code !== 0) return yield* Effect.fail(new ExitWith(code))
  }).pipe(
    Effect.onInterrupt(() =>
      Console.error(
        begun
          ? `interrupted; finished rows are in ${place}: ${JobReport.howToContinue}`
          : "interrupted before anything was sent; nothing has changed"
      )
    ),
    Effect.provide([claude, journal])
  )
})

const stateStore = (
  state: string
): Layer.Layer<SqlClient, Postgres.PostgresFailed | Sqlite.SqliteFailed | Sqlite.SqliteInUse> =>
  Postgres.isAddress(state) ? Postgres.layer(state) : Sqlite.layer({ path: state })

const layerEmulator = Layer.unwrap(
  Effect.map(EmulatorProcess.start, (baseURL) =>
    Claude.layer.pipe(Layer.provideMerge(AnthropicClient.layer({ apiKey: Redacted.make("emulator"), baseURL })))
  )
)

/** The emulator's answers have their own cache within the store. */
const stackOptions = ({ cache, concurrency, promptCache }: Flags, emulated: boolean) => ({
  concurrency,
  ...Option.match(cache, {
    onNone: () => ({}),
    onSome: (place) => ({
      cache: { store: CacheStore.layer(place), ...(emulated && { storeId: "effect-claude-emulator" }) }
    })
  }),
  ...Option.match(promptCache, {
    onNone: () => ({}),
    onSome: (ttl) => ({ promptCache: { ttl, warmUp: "1 minute" } as const })
  })
})

const withInput = ({ input }: Flags, job: AnyJob): AnyJob =>
  Option.match(input, {
    onNone: () => job,
    onSome: (path) => ({ ...job, source: Dataset.withFile(job.source, path) })
  })

/** The flag wins over a default model from the job's own layer. */
const withModel = ({ model }: Flags, { layer = Layer.empty, ...job }: AnyJob): AnyJob =>
  Option.match(model, {
    onNone: () => ({ ...job, layer }),
    onSome: (model) => ({
      ...job,
      layer: Layer.effect(
        Claude.Defaults,
        Effect.map(Claude.Defaults, (defaults) => ({ ...defaults, model }))
      ).pipe(Layer.provideMerge(layer))
    })
  })
