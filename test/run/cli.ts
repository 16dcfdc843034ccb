/**
 * Runs the command line in this process, with real files and replacements for the other parts of a process. The emulator
 * that `--emulator` starts also runs in this process.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { afterAll } from "vitest"
import { ConfigProvider, Console, Context, Effect, Exit, Layer, Runtime, Sink, Stdio, Stream, Terminal } from "effect"
import { ChildProcessSpawner } from "effect/process"
import { Emulator } from "effect-claude/testing"
import * as Cli from "../../src/run/Cli.ts"
import * as EmulatorProcess from "../../src/run/EmulatorProcess.ts"
import * as Screen from "../../src/run/Screen.ts"
import * as Signals from "../../src/run/Signals.ts"

/** The result of a finished command. */
export interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Options {
  readonly env?: Readonly<Record<string, string>>
  /** The terminal of both output streams; by default both are pipes. */
  readonly terminal?: Screen.Output | undefined
  readonly signals?: Signals.Signals
  /** The lines that a person types; with them, standard input is a terminal. */
  readonly typed?: ReadonlyArray<string> | undefined
  readonly stdin?: string
}

/** Runs the command line to its end. */
export const program = (
  args: ReadonlyArray<string>,
  { env = {}, signals, stdin = "", terminal, typed }: Options = {}
): Effect.Effect<Result> =>
  Effect.gen(function* () {
    const out = recorder(terminal)
    const err = recorder(terminal)
    const print = (output: Screen.Output) => (text: unknown) => void output.write(`${String(text)}\n`)
    const console = { ...globalThis.console, log: print(out.stream), error: print(err.stream) }
    const exit = yield* Cli.program("1.2.3").pipe(
      Effect.provideService(Console.Console, console),
      Effect.provideService(Screen.Outputs, { stdout: out.stream, stderr: err.stream }),
      Effect.provideService(Signals.Signals, signals ?? { first: Effect.never }),
      Effect.provide([
        Layer.effect(ChildProcessSpawner.ChildProcessSpawner, emulatorInProcess),
        Stdio.layerTest({
          args: Effect.succeed(args),
          stdin: Stream.make(new TextEncoder().encode(stdin)),
          stdinIsTerminal: Effect.succeed(typed !== undefined)
        }),
        typing(typed ?? []),
        ConfigProvider.layer(ConfigProvider.fromEnv({ env }))
      ]),
      Effect.provide(NodeServices.layer),
      Effect.exit
    )
    const code = yield* Effect.callback<number>((resume) =>
      Runtime.defaultTeardown(exit, (code) => resume(Effect.succeed(code)))
    )
    if (Exit.isFailure(exit) && code === 1 && err.text() === "") return yield* Effect.die(exit.cause)
    return { code, stdout: out.text(), stderr: err.text() }
  })

export const cli = (args: ReadonlyArray<string>, options?: Options): Promise<Result> =>
  Effect.runPromise(program(args, options))

/** A terminal whose lines are typed in advance. After them, the input ends. */
const typing = (lines: ReadonlyArray<string>) =>
  Layer.effect(
    Terminal.Terminal,
    Effect.gen(function* () {
      const rest = lines.values()
      const readLine = Effect.suspend(() => {
        const { done, value } = rest.next()
        return done === true ? Effect.fail(new Terminal.QuitError({})) : Effect.succeed(value)
      })
      return { ...(yield* Terminal.Terminal), readLine }
    })
  ).pipe(Layer.provide(NodeServices.layer))

const recorder = (terminal: Screen.Output | undefined) => {
  const chunks: Array<string> = []
  const pipe: Screen.Output = new PassThrough().on("data", (chunk) => chunks.push(String(chunk)))
  return { stream: terminal ?? pipe, text: () => chunks.join("") }
}

/** The emulator listens in this process instead of a new one. */
const emulatorInProcess = Effect.sync(() =>
  ChildProcessSpawner.make(() =>
    Effect.map(Layer.build(Emulator.layerServer()), (context) => {
      const { url } = Context.get(context, Emulator.Emulator)
      return ChildProcessSpawner.makeHandle({
        pid: ChildProcessSpawner.ProcessId(process.pid),
        exitCode: Effect.never,
        isRunning: Effect.succeed(true),
        kill: () => Effect.void,
        stdin: Sink.drain,
        stdout: Stream.make(new TextEncoder().encode(`${EmulatorProcess.listening(url)}\n`)),
        stderr: Stream.empty,
        all: Stream.empty,
        getInputFd: () => Sink.drain,
        getOutputFd: () => Stream.empty,
        unref: Effect.succeed(Effect.void)
      })
    }).pipe(Effect.orDie)
  )
)

const folders: Array<string> = []
afterAll(() => folders.forEach((path) => rmSync(path, { recursive: true })))

/** A folder with an input of this many rows, and the command that runs a job on them. */
export const folder = (rows: number, change: (line: string, index: number) => string = (line) => line) => {
  const path = mkdtempSync(join(tmpdir(), "effect-claude-"))
  folders.push(path)
  const input = join(path, "mails.jsonl")
  const mails = Array.from({ length: rows }, (_, index) => JSON.stringify({ id: index + 1, subject: `mail ${index}` }))
  writeFileSync(input, mails.map(change).join("\n"))
  const output = join(path, "out.jsonl")
  return { path, input, output, job: "test/run/mails.job.ts" }
}

/** The command that runs a job on a folder. */
export const runOf = (files: Omit<ReturnType<typeof folder>, "path">, ...flags: ReadonlyArray<string>) => [
  "run",
  files.job,
  "--input",
  files.input,
  "--output",
  files.output,
  ...flags
]

/** The lines of an output. */
export const lines = (path: string): Array<{ readonly key: string; readonly value: string }> =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))

/** The environment in which the server at this address answers. */
export const at = (url: string) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: "some-key" })
