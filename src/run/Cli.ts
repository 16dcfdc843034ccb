/**
 * The command line: flags in, layers out. What a command does lives in `pipeline` and `testing`; here it is put
 * together, and said in words what came of it.
 */
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { AnthropicClient, Event, Claude } from "../index.ts"
import * as Dataset from "../pipeline/Dataset.ts"
import * as Job from "../pipeline/Job.ts"
import * as Journal from "../pipeline/Journal.ts"
import * as Emulator from "../testing/Emulator.ts"
import * as CacheStore from "./CacheStore.ts"
import * as Display from "./Display.ts"
import * as EmulatorProcess from "./EmulatorProcess.ts"
import * as JobFile from "./JobFile.ts"
import * as JobReport from "./JobReport.ts"
import * as NodeTransport from "./NodeTransport.ts"
import * as Sqlite from "./Sqlite.ts"

const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false))

const json = toggle("json", "Print JSON for programs to read")

const run = Command.make(
  "run",
  {
    job: Argument.String("job").pipe(Argument.withDescription("The file whose default export is the job")),
    input: Flag.String("input").pipe(Flag.withDescription("Rows to work on, in place of the job's own"), Flag.optional),
    output: Flag.String("output").pipe(Flag.withDescription("Where the results go, as NDJSON"), Flag.optional),
    state: Flag.String("state").pipe(
      Flag.withDescription("The file that knows what is done; by default next to the output"),
      Flag.optional
    ),
    cache: Flag.String("cache").pipe(
      Flag.withDescription("Answer what was asked before from this file, or from a Redis: redis://host:6379"),
      Flag.optional
    ),
    concurrency: Flag.Int("concurrency").pipe(
      Flag.withDescription("Calls in flight at once"),
      Flag.withSchema(Schema.Int.check(Schema.isGreaterThan(0))),
      Flag.withDefault(64)
    ),
    promptCache: Flag.Literals("prompt-cache", ["5m", "1h"]).pipe(
      Flag.withDescription("Let the API cache what the prompts share, for so long after its last use"),
      Flag.optional
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription("Stop after so many rows; the rest stays for the next run"),
      Flag.withSchema(Schema.Int.check(Schema.isGreaterThan(0))),
      Flag.optional
    ),
    emulator: toggle("emulator", "Ask an emulator on this machine, not Claude: no key, no cost"),
    json
  },
  Effect.fn("Cli.run")(function* (flags) {
    const declared = yield* JobFile.load(flags.job)
    const job = Option.match(flags.input, {
      onNone: () => declared,
      onSome: (path) => ({ ...declared, source: Dataset.withFile(declared.source, path) })
    })
    const output = Option.getOrElse(flags.output, () => job.sink)
    const state = Option.getOrElse(flags.state, () => `${output.replace(/\.\w+$/, "")}.state.sqlite`)
    const address = flags.emulator ? yield* EmulatorProcess.start : undefined
    const claude = (address === undefined ? Claude.layerConfig() : emulator(address)).pipe(
      Claude.stack({
        concurrency: flags.concurrency,
        ...cacheOf(flags),
        ...Option.match(flags.promptCache, {
          onNone: () => ({}),
          onSome: (ttl) => ({ promptCache: { ttl, warmUp: "1 minute" } as const })
        })
      }),
      Layer.provideMerge(NodeTransport.layer())
    )
    // Behind an address of the user's own may be anybody: there the first answer tells.
    const elsewhere = Option.isSome(yield* Config.option(Config.String("ANTHROPIC_BASE_URL")))
    const emulated = flags.emulator || (elsewhere ? undefined : false)
    const journal = Journal.layer({ job: job.name, shape: Job.shape(job), emulated }).pipe(
      Layer.provide(Sqlite.layer({ path: state }))
    )
    const limit = Option.getOrUndefined(flags.limit)
    let begun = false
    const work = Job.run(job, { output, ...(limit !== undefined && { limit }) }).pipe(
      Event.listen((event) => Effect.sync(() => (begun ||= event._tag === "rows-counted")))
    )
    yield* Effect.gen(function* () {
      const [summary, progress] = yield* Display.show(job.name, work)
      const report = { summary, progress, output, state }
      yield* Console.log(flags.json ? JobReport.toJson(report) : JobReport.toText(report))
      const code = JobReport.exitCode(report)
      if (code !== 0) return yield* Effect.fail(new ExitWith(code))
    }).pipe(
      Effect.onInterrupt(() =>
        Console.error(
          begun
            ? `interrupted; what is done is in ${state}: ${JobReport.goOn}`
            : "interrupted before anything was sent; nothing has changed"
        )
      ),
      Effect.provide([claude, journal])
    )
  }, Effect.scoped)
).pipe(
  Command.withDescription("Run a job, or go on with one that was stopped"),
  Command.withExamples([{ command: "effect-claude run job.ts --output results.jsonl" }])
)

/** What the emulator answered has a cache of its own, in the same store. */
const cacheOf = (flags: { readonly cache: Option.Option<string>; readonly emulator: boolean }) =>
  Option.match(flags.cache, {
    onNone: () => ({}),
    onSome: (place) => ({
      cache: { store: CacheStore.layer(place), ...(flags.emulator && { storeId: "effect-claude-emulator" }) }
    })
  })

const emulator = (baseURL: string) =>
  Claude.layer.pipe(Layer.provideMerge(AnthropicClient.layer({ apiKey: Redacted.make("emulator"), baseURL })))

const milliseconds = (name: string, description: string) =>
  Flag.Int(name).pipe(
    Flag.withDescription(`${description}, in milliseconds`),
    Flag.withSchema(Schema.Natural),
    Flag.map(Duration.millis),
    Flag.optional
  )

const perMinute = (name: string, what: string) =>
  Flag.Int(name).pipe(
    Flag.withDescription(`${what} a minute that each class of models may have`),
    Flag.withSchema(Schema.Int.check(Schema.isGreaterThan(0))),
    Flag.optional
  )

const emulate = Command.make(
  "emulate",
  {
    command: Argument.String("command").pipe(
      Argument.withDescription("After --: a program to run against the emulator; it ends with the program"),
      Argument.variadic()
    ),
    port: Flag.Int("port").pipe(
      Flag.withDescription("0 takes any free port"),
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 }))),
      Flag.withDefault(8787)
    ),
    latency: milliseconds("latency", "How long an answer in one piece takes"),
    ttft: milliseconds("ttft", "How long a stream takes to its first token"),
    tokensPerSecond: Flag.Int("tokens-per-second").pipe(
      Flag.withDescription("How fast tokens come"),
      Flag.withSchema(Schema.Int.check(Schema.isGreaterThan(0))),
      Flag.optional
    ),
    rpm: perMinute("rpm", "Requests"),
    itpm: perMinute("itpm", "Input tokens"),
    otpm: perMinute("otpm", "Output tokens"),
    batchProcessing: milliseconds("batch-processing", "How long a Message Batch takes"),
    spendLimit: Flag.Finite("spend-limit").pipe(
      Flag.withDescription("US dollars a month; once so much is spent, calls are refused"),
      Flag.withSchema(Schema.Finite.check(Schema.isGreaterThan(0))),
      Flag.optional
    ),
    faults: Flag.String("faults").pipe(
      Flag.withDescription("What goes wrong, how often or how many times each: 429:0.02,cut:0.01,reset:1x"),
      Flag.withSchema(Emulator.FaultsFromString),
      Flag.optional
    ),
    seed: Flag.Int("seed").pipe(Flag.withDescription("Decides which requests meet a fault"), Flag.withDefault(0)),
    json,
    untilStdinEnds: toggle("until-stdin-ends", "End with the program that started it").pipe(Flag.withHidden)
  },
  Effect.fn("Cli.emulate")(function* (flags) {
    const server = Emulator.layerServer({
      port: flags.command.length > 0 ? 0 : flags.port,
      seed: flags.seed,
      latency: Option.getOrUndefined(flags.latency),
      timeToFirstToken: Option.getOrUndefined(flags.ttft),
      tokensPerSecond: Option.getOrUndefined(flags.tokensPerSecond),
      limits: {
        requestsPerMinute: Option.getOrUndefined(flags.rpm),
        inputTokensPerMinute: Option.getOrUndefined(flags.itpm),
        outputTokensPerMinute: Option.getOrUndefined(flags.otpm)
      },
      batchProcessing: Option.getOrUndefined(flags.batchProcessing),
      spendLimit: Option.getOrUndefined(flags.spendLimit),
      faults: Option.getOrUndefined(flags.faults)
    })
    const { url } = Context.get(yield* Layer.build(server), Emulator.Emulator)
    if (flags.command.length > 0) {
      const code = yield* EmulatorProcess.runAgainst(url, flags.command)
      return yield* code === 0 ? Effect.void : Effect.fail(new ExitWith(code))
    }
    yield* Console.log(flags.json ? EmulatorProcess.listening(url) : EmulatorProcess.invitation(url))
    yield* flags.untilStdinEnds ? EmulatorProcess.stdinEnd : Effect.never
  }, Effect.scoped)
).pipe(
  Command.withDescription("Serve the API on this machine, without a key and without a bill"),
  Command.withExamples([
    { command: "effect-claude emulate --rpm 1000 --faults 529:0.01,cut:0.01,stall:0.01" },
    { command: "effect-claude emulate -- node app.ts" }
  ])
)

/** The whole command line. */
export const command = Command.make("effect-claude").pipe(
  Command.withDescription("LLM pipelines on Claude"),
  Command.withSubcommands([run, emulate])
)

/** Ends the process with a code; what there is to say has been said. */
export class ExitWith extends Error {
  override readonly [Runtime.errorExitCode]: number
  constructor(code: number) {
    super(`exit code ${code}`)
    this[Runtime.errorExitCode] = code
  }
}
