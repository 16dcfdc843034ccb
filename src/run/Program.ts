/**
 * Runs a program as a shell would: it has the terminal, signals reach it, and its end decides the exit code.
 */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { constants } from "node:os"
import { ExitWith } from "./ExitWith.ts"

/**
 * Runs a program to its end and returns its exit code: 128 plus the number of the signal if a signal ended it.
 *
 * Effect's `ChildProcess` would kill the program when this process is interrupted, and fails without the number of the
 * signal. Here an interruption waits for the program, and signals are passed on. At a terminal, Ctrl-C has reached the
 * program already, so there SIGINT is not.
 */
export const run = (
  program: string,
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>>
): Effect.Effect<number, ExitWith> =>
  Effect.uninterruptible(
    Effect.callback<number, ExitWith>((resume) => {
      const child = spawn(program, args, { stdio: "inherit", env: { ...process.env, ...environment } })
      const passOn = (signal: NodeJS.Signals) => child.kill(signal)
      const signals = isAtTerminal() ? (["SIGTERM"] as const) : (["SIGTERM", "SIGINT"] as const)
      for (const signal of signals) process.on(signal, passOn)
      const end = (result: Effect.Effect<number, ExitWith>) => {
        for (const signal of signals) process.removeListener(signal, passOn)
        resume(result)
      }
      child.once("error", (error: NodeJS.ErrnoException) => end(Effect.fail(notStarted(program, error))))
      child.once("exit", (code, signal) =>
        end(Effect.succeed(signal === null ? (code ?? 1) : 128 + constants.signals[signal]))
      )
    })
  )

const isAtTerminal = () => [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)

const notStarted = (program: string, { code, message }: NodeJS.ErrnoException): ExitWith => {
  if (code === "ENOENT") return new ExitWith(127, `${program}: there is no such program; check its name and PATH`)
  if (code === "EACCES") return new ExitWith(126, `${program}: not executable; check its permissions`)
  return new ExitWith(126, `${program} cannot be started: ${message}`)
}
