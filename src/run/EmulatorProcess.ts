/**
 * The emulator in a process of its own, so that its work does not slow down what is measured; it ends with this one.
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

/** How long an emulated call takes. */
export const latency = 300

/** What `emulate --json` prints when it listens. */
const Listening = Schema.fromJsonString(Schema.Struct({ url: Schema.String }))

/** The line for the program that started the emulator. */
export const listening = (url: string): string => Schema.encodeSync(Listening)({ url })

/** The lines for a person who started the emulator. */
export const invitation = (url: string): string =>
  `The emulator listens on ${url}. It quotes prompts; it is not Claude.\n` +
  `ANTHROPIC_BASE_URL=${url} ANTHROPIC_API_KEY=any node app.ts`

/** Ends when the program that started this one has gone, however it went. */
export const stdinEnd = Effect.callback<void>((resume) => {
  process.stdin.once("close", () => resume(Effect.void)).resume()
})

/** The variables with which a program reaches the emulator at this address. */
export const environment = (url: string) => ({
  ANTHROPIC_BASE_URL: url,
  // Long and unusual: a cassette refuses to record text that contains the key.
  ANTHROPIC_API_KEY: "no-key-for-an-emulator"
})

const main = fileURLToPath(import.meta.resolve(import.meta.filename.endsWith(".ts") ? "./main.ts" : "./main.js"))

/** Starts an emulator for as long as the scope is open; gives its address. */
export const start = Effect.gen(function* () {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const options = ["--port", "0", "--latency", String(latency), "--json", "--until-stdin-ends"]
  // Detached: Ctrl-C in the terminal spares the emulator, and only it. Calls in flight are interrupted all the same.
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
