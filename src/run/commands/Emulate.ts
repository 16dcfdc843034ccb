/**
 * `effect-claude emulate`: serves the emulator until it is stopped, or while one program runs.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { FaultsFromString, Kind } from "../../testing/emulator/faults/Faults.ts"
import { json, limitsPerMinute, positive, text, toggle } from "../Flags.ts"

const milliseconds = (name: string, description: string) =>
  Flag.Int(name).pipe(
    Flag.withDescription(`${description}, in milliseconds`),
    Flag.withSchema(Schema.Natural),
    Flag.map(Duration.millis),
    Flag.optional
  )

const flags = {
  command: Argument.String("command").pipe(
    Argument.withDescription("After --: a program to run against the emulator, which stops when the program ends"),
    Argument.variadic()
  ),
  port: Flag.Int("port").pipe(
    Flag.withDescription("The port to listen on; 0 takes any free port"),
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 }))),
    Flag.withDefault(8787)
  ),
  host: text("host", "The address to listen on, such as 0.0.0.0 for other machines; by default 127.0.0.1"),
  latency: milliseconds("latency", "Time until a whole answer"),
  ttft: milliseconds("ttft", "Time until the first token of a stream"),
  tokensPerSecond: positive("tokens-per-second", "Speed of a stream").pipe(Flag.optional),
  ...limitsPerMinute,
  batchProcessing: milliseconds("batch-processing", "Time until a Message Batch has ended"),
  spendLimit: Flag.Finite("spend-limit").pipe(
    Flag.withDescription("US dollars per month; calls beyond it are refused"),
    Flag.withSchema(Schema.Finite.check(Schema.isGreaterThan(0))),
    Flag.optional
  ),
  faults: Flag.String("faults").pipe(
    Flag.withDescription(
      "Faults to inject, each with a rate or a number of times, for all models or one: " +
        `429:0.02,cut:0.01,reset:1x,claude-sonnet-5-5=529:1. The faults are ${Kind.literals.join(", ")}`
    ),
    Flag.withSchema(FaultsFromString),
    Flag.optional
  ),
  seed: Flag.Int("seed").pipe(Flag.withDescription("Selects which requests meet a fault"), Flag.withDefault(0)),
  json,
  untilStdinEnds: toggle("until-stdin-ends", "Stop when the parent process ends").pipe(Flag.withHidden)
}

/** The values of the flags. */
export type EmulateFlags = Command.Command.Config.Infer<typeof flags>

export const emulate = Command.make(
  "emulate",
  flags,
  Effect.fn("Cli.emulate")(function* (flags) {
    const EmulatorServer = yield* Effect.promise(() => import("../EmulatorServer.ts"))
    return yield* EmulatorServer.serve(flags)
  })
).pipe(
  Command.withDescription("Serve an emulated Claude API on this machine: no key, no cost"),
  Command.withExamples([
    { command: "effect-claude emulate --rpm 1000 --faults 529:0.01,cut:0.01,stall:0.01" },
    { command: "effect-claude emulate -- node app.ts" }
  ])
)
