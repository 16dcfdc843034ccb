/**
 * Starts the emulator in a separate process, so that its work does not slow the run down. It stops with this process.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { fileURLToPath } from "node:url"

/** The emulator did not start. */
export class EmulatorFailed extends Schema.TaggedError<EmulatorFailed>()("EmulatorFailed", { detail: Schema.String }) {
  override get message() {
    return `the emulator did not start: ${this.detail}`
  }
}

/** The time an emulated call takes, in milliseconds. */
export const latency = 300

/** The line that `emulate --json` prints once it listens. */
const Listening = Schema.fromJsonString(Schema.Struct({ url: Schema.String }))

/** The line for the program that started the emulator. */
export const listening = (url: string): string => Schema.encodeSync(Listening)({ url })

/** The lines for a person at a terminal. */
export const invitation = (url: string): string =>
  `The emulator listens on ${url}. It is not Claude: it quotes the prompts.\n` +
  `ANTHROPIC_BASE_URL=${url} ANTHROPIC_API_KEY=any node app.ts`

/** Ends when the parent process ends, for whatever reason: the pipe to it closes. */
export const stdinEnd = Effect.callback<void>((resume) => {
  process.stdin.once("close", () => resume(Effect.void)).resume()
})

/** The variables that point a program to the emulator at this address. */
export const environment = (url: string) => ({
  ANTHROPIC_BASE_URL: url,
  // Long and unusual: a cassette refuses to record text that contains the key.
  ANTHROPIC_API_KEY: "no-key-for-an-emulator"
})

const main = fileURLToPath(import.meta.resolve(import.meta.filename.endsWith(".ts") ? "./main.ts" : "./main.js"))

/** Starts an emulator until the scope closes; succeeds with its address. */
export const start = Effect.gen(function* () {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const options = ["--port", "0", "--latency", String(latency), "--json", "--until-stdin-ends"]
  // Detached, so that Ctrl-C in the terminal does not end it before the run has closed its calls.
  const child = yield* spawner.spawn(
    ChildProcess.make(process.execPath, [...process.execArgv, main, "emulate", ...options], {
      detached: true,
      stdin: { stream: "pipe", endOnDone: false },
      stderr: "inherit"
    })
  )
  const line = yield* child.stdout.pipe(Stream.decodeText(), Stream.splitLines, Stream.runHead)
  const { url } = yield* Schema.decodeEffect(Listening)(Option.getOrElse(line, () => ""))
  return url
}).pipe(
  Effect.mapError((error) => new EmulatorFailed({ detail: error.message })),
  Effect.withSpan("EmulatorProcess.start")
)
