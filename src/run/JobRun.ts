/**
 * Runs a job as the flags say, shows its progress, and prints the report. A signal stops it without losing what is paid
 * for; see `GracefulStop`.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { SqlClient } from "effect/sql/SqlClient"
import { AnthropicClient, Claude, Event } from "../index.ts"
import * as Controls from "../pipeline/Controls.ts"
import * as Destinations from "../pipeline/Destinations.ts"
import * as Evaluation from "../pipeline/Evaluation.ts"
import * as FailuresFile from "../pipeline/FailuresFile.ts"
import * as Job from "../pipeline/Job.ts"
import * as Journal from "../pipeline/Journal.ts"
import * as Progress from "../pipeline/Progress.ts"
import * as Score from "../pipeline/Score.ts"
import * as AskFirst from "./AskFirst.ts"
import * as CommandLine from "./CommandLine.ts"
import * as Display from "./Display.ts"
import * as EmulatorProbe from "./EmulatorProbe.ts"
import * as EmulatorProcess from "./EmulatorProcess.ts"
import { ExitWith } from "./ExitWith.ts"
import * as GracefulStop from "./GracefulStop.ts"
import * as JobReport from "./JobReport.ts"
import * as Log from "./Log.ts"
import type { MapFlags } from "./MapFlags.ts"
import * as NodeSources from "./NodeSources.ts"
import * as NodeTransport from "./NodeTransport.ts"
import * as OpenBatches from "./OpenBatches.ts"
import * as OpenState from "./OpenState.ts"
import * as OtlpExport from "./OtlpExport.ts"
import * as Postgres from "./Postgres.ts"
import * as RunControls from "./RunControls.ts"
import * as RunFailure from "./RunFailure.ts"
import type { RunFlags } from "./RunFlags.ts"
import * as RunOptions from "./RunOptions.ts"
import * as RunSettings from "./RunSettings.ts"
import type { JudgeFlags } from "./ScoreFlags.ts"
import * as Sqlite from "./Sqlite.ts"
import * as Where from "./Where.ts"

/** Inputs need the services of `NodeSources`, from the making of the job to its end. */
const withInputs = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.scoped(effect).pipe(Effect.provide(NodeSources.layer))

/** `maxTokens` is a flag of `map` only. */
type Flags = RunFlags & JudgeFlags & Partial<Pick<MapFlags, "maxTokens">>

/** What a command adds to its flags. */
interface Beginning {
  /** Run only rows that failed when they ran last. */
  readonly only?: Exclude<Journal.Which, "all" | "untried">
  /** The command line, for the state. */
  readonly command?: Journal.Command
}

/** Runs the job that a command makes. */
export const run = Effect.fnUntraced(function* <Row, Out, E, R>(
  flags: Flags,
  makeJob: Effect.Effect<Job.Job<Row, Out, E>, ExitWith, R>,
  { command, ...selection }: Beginning = {}
) {
  if (flags.keep && flags.rerun) return yield* Effect.fail(new ExitWith(2, "--keep and --rerun exclude each other"))
  if (selection.only !== undefined && flags.rerun) {
    return yield* Effect.fail(
      new ExitWith(2, "only the failed rows are to run, and --rerun runs every row: leave one out")
    )
  }
  const job = RunOptions.apply(flags, yield* makeJob)
  const output = Option.getOrElse(flags.output, () => job.sink)
  const state = Option.getOrElse(flags.state, () => OpenState.pathOf(output))
  const where = yield* Effect.transposeOption(Option.map(flags.where, (text) => Where.parse(text, job.source.schema)))
  const options = { ...RunOptions.ofRun(flags), ...selection, ...(Option.isSome(where) && { where: where.value }) }
  const destinations = {
    output,
    failures: FailuresFile.pathOf(output),
    rejects: options.rejects,
    state: Postgres.isAddress(state) ? undefined : state
  }
  // The state is made before the job begins.
  yield* Effect.andThen(
    Destinations.check(job.source, destinations),
    execute(flags, job, { ...options, output }, state, command, unselected(flags, selection))
  ).pipe(
    Effect.provide(OtlpExport.layer),
    Effect.provide([NodeTransport.layer(), Log.layer]),
    Effect.mapError(RunFailure.toExit(destinations))
  )
}, withInputs)

type Options = Job.RunOptions<unknown> & { readonly output: string }

/** Finds out whether an emulator answers, runs the job, and prints the report. */
const execute = Effect.fnUntraced(function* <Row, Out, E>(
  flags: Flags,
  job: Job.Job<Row, Out, E>,
  options: Options,
  state: string,
  command: Journal.Command | undefined,
  unselected: string | undefined
) {
  const isOffline = flags.dryRun && !flags.countTokens
  const api = yield* isOffline
    ? Layer.build(AskFirst.layerStandIn)
    : flags.emulator
      ? Layer.build(layerEmulator)
      : Layer.build(Claude.layerConfig())
  const emulated = flags.emulator || (!isOffline && (yield* EmulatorProbe.probe))
  const confirm = yield* AskFirst.make(flags, emulated)
  const batches = yield* OpenBatches.make(flags, emulated)
  const controls = yield* RunControls.make(flags)
  const policies = yield* RunOptions.ofStack(flags, emulated)
  const stack = { ...policies, ...controls.stack, ...(flags.mode === "batches" && { batches }) }
  const claude = Layer.succeedContext(api).pipe(Claude.stack(stack))
  const { path: input } = job.source
  const settings = yield* RunSettings.of(flags, { ...(input !== undefined && { input }), output: options.output })
  const kind = flags.dryRun ? {} : { emulated }
  const begun = { ...kind, settings, ...(command !== undefined && { command }) }
  const journal = Journal.layer({ job: job.name, shape: Job.shape(job), ...begun }).pipe(
    Layer.provide(stateStore(state))
  )
  // The embedded emulator ends with this process, and its batches with it.
  const left = flags.emulator ? Effect.void : OpenBatches.report(batches)
  const place = Postgres.isAddress(state) ? Postgres.withoutSecrets(state) : state
  const resumeCommand = commandOf("resume", job.name, options.output, place)
  let hasBegun = false
  let isPaused = false
  let judgeCost: BigDecimal.BigDecimal | undefined
  const observe = (event: Event.Event) => {
    hasBegun ||= event._tag === "rows-counted"
    if (event._tag === "call-finished" && event.site.path.includes(Score.judgeStep)) {
      judgeCost = BigDecimal.sum(judgeCost ?? nothing, event.cost ?? nothing)
    }
  }
  /** A forgotten pause looks like a run that hangs. */
  const warn = (event: Event.Event) => {
    if (event._tag !== "run-paced" || event.paused === isPaused) return Effect.void
    isPaused = event.paused
    if (!isPaused) return Effect.void
    return Effect.gen(function* () {
      const { controls } = yield* Journal.Journal
      const since =
        controls.pausedAt === null ? "" : ` since ${Progress.age(controls.pausedAt, yield* Clock.currentTimeMillis)}`
      yield* Console.error(`the job is paused${since}, and no row starts: ${resumeCommand}`)
    })
  }
  const work = Effect.flatMap(Effect.context<Journal.Journal>(), (context) =>
    Event.listen((event) =>
      Effect.provideContext(
        Effect.andThen(
          Effect.sync(() => observe(event)),
          warn(event)
        ),
        context
      )
    )(Job.run(job, { ...options, ...(confirm && { confirm }) }))
  ).pipe(Effect.provideService(Controls.Handles, controls.handles))
  const stoppable = GracefulStop.run(Display.show(job.name, work), {
    hasBegun: () => hasBegun,
    before:
      flags.mode === "batches" && (flags.onInterrupt === "cancel" || flags.emulator)
        ? OpenBatches.cancel(batches)
        : Effect.void
  })
  yield* Effect.gen(function* () {
    if (flags.dryRun) return yield* Effect.catchTag(Effect.asVoid(stoppable), "JobDeclined", () => Effect.void)
    if (flags.emulator) yield* OpenBatches.forget
    else if (flags.mode === "direct") yield* OpenBatches.refuseDirect
    const [[summary, progress], isInterrupted] = yield* Effect.catchTag(stoppable, "JobDeclined", ({ message }) =>
      Effect.fail(new ExitWith(130, message))
    )
    const evaluation = yield* Journal.Journal.use(({ outputs }) => Evaluation.ofOutputs(outputs))
    const report = {
      evaluation,
      judgeCost,
      summary,
      progress,
      output: options.output,
      state: place,
      reportCommand: commandOf("report", job.name, options.output, place),
      resumeCommand,
      isInterrupted,
      unselected,
      maxTokens: flags.maxTokens && Option.getOrElse(flags.maxTokens, () => 4096)
    }
    yield* Console.log(flags.json ? JobReport.toJson(report) : JobReport.toText(report))
    yield* left
    const code = JobReport.exitCode(report)
    if (code !== 0) return yield* Effect.fail(new ExitWith(code))
  }).pipe(
    Effect.onInterrupt(() =>
      hasBegun
        ? Effect.andThen(
            Console.error(`interrupted; rows and replies are in ${place}: ${JobReport.howToContinue}`),
            left
          )
        : Console.error("interrupted before anything was sent; nothing has changed")
    ),
    Effect.provide([claude, journal])
  )
})

/** The job is named where the state may hold others. */
const commandOf = (command: "report" | "resume", job: string, output: string, state: string) => {
  const named = Postgres.isAddress(state)
    ? [state, "--job", job]
    : [state === OpenState.pathOf(output) ? output : state]
  return ["effect-claude", command, ...named].map(CommandLine.quoted).join(" ")
}

/** What to say if no row is selected. A sample can have been finished before. */
const unselected = ({ sample, where }: RunFlags, { only }: Beginning) => {
  if (Option.isSome(sample)) return undefined
  if (only === undefined) return Option.getOrUndefined(Option.map(where, (text) => `No row that is to run has ${text}`))
  const conditions = [...Option.toArray(where), ...(only === "failed" ? [] : [`the reason ${only.reason}`])]
  const failed = conditions.length === 0 ? "No row has failed" : `No failed row has ${conditions.join(" and ")}`
  return `${failed}: nothing to retry`
}

const nothing = BigDecimal.fromBigInt(0n)

const stateStore = (
  state: string
): Layer.Layer<SqlClient, Postgres.PostgresFailed | Sqlite.SqliteFailed | Sqlite.SqliteInUse> =>
  Postgres.isAddress(state) ? Postgres.layer(state) : Sqlite.layer({ path: state })

const layerEmulator = Layer.unwrap(
  Effect.map(EmulatorProcess.start, (baseURL) =>
    Claude.layer.pipe(Layer.provideMerge(AnthropicClient.layer({ apiKey: Redacted.make("emulator"), baseURL })))
  )
)
