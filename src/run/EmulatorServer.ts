/**
 * Serves the emulator as the flags say, until it is stopped or while one program runs.
 */
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Emulator from "../testing/Emulator.ts"
import type { EmulateFlags } from "./commands/Emulate.ts"
import * as EmulatorProcess from "./EmulatorProcess.ts"
import * as ErrorText from "./ErrorText.ts"
import { ExitWith } from "./ExitWith.ts"
import * as Program from "./Program.ts"

/** Serves an emulator with these flags. */
export const serve = Effect.fnUntraced(function* (flags: EmulateFlags) {
  const server = Emulator.layerServer({
    host: Option.getOrUndefined(flags.host),
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
  const place = Option.isSome(flags.host) ? "--host or --port" : "--port"
  const context = yield* Effect.mapError(
    Layer.build(server),
    ({ cause }) => new ExitWith(2, `the emulator cannot listen: ${ErrorText.of(cause)}; choose another ${place}`)
  )
  const { url } = Context.get(context, Emulator.Emulator)
  const [program, ...args] = flags.command
  if (program !== undefined) {
    const code = yield* Program.run(program, args, EmulatorProcess.environment(url))
    return yield* code === 0 ? Effect.void : Effect.fail(new ExitWith(code))
  }
  yield* Console.log(flags.json ? EmulatorProcess.listening(url) : EmulatorProcess.invitation(url))
  yield* flags.untilStdinEnds ? EmulatorProcess.stdinEnd : Effect.never
}, Effect.scoped)
