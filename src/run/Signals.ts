/**
 * The signals that ask a program to end: SIGINT (Ctrl-C) and SIGTERM. A command that needs time to stop waits for the
 * first one. Any other signal interrupts the program at once.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"

/** The signals of a process. */
export interface Signals {
  /** Waits for the first signal. While it waits, the first signal does not interrupt the program. */
  readonly first: Effect.Effect<NodeJS.Signals>
}

/** The signals of this process; by default there are none. */
export const Signals: Context.Reference<Signals> = Context.Reference("effect-claude/run/Signals", {
  defaultValue: (): Signals => ({ first: Effect.never })
})

/** Signals that the caller sends: `send` returns whether a command waits for this one. */
export const make = (): Signals & { readonly send: (signal: NodeJS.Signals) => boolean } => {
  const waiting = new Set<(signal: NodeJS.Signals) => void>()
  let isFirst = true
  return {
    first: Effect.callback((resume) => {
      const receive = (signal: NodeJS.Signals) => resume(Effect.succeed(signal))
      waiting.add(receive)
      return Effect.sync(() => waiting.delete(receive))
    }),
    send: (signal) => {
      const isTaken = isFirst && waiting.size > 0
      isFirst = false
      if (isTaken) for (const receive of waiting) receive(signal)
      return isTaken
    }
  }
}

/** Runs the program of a process, and ends the process with its exit code: 130 or 143 if a signal interrupted it. */
export const runMain = <A, E>(program: Effect.Effect<A, E>): void => {
  const signals = make()
  let received: NodeJS.Signals | undefined
  const run = Runtime.makeRunMain(({ fiber, teardown }) => {
    const onSignal = (signal: NodeJS.Signals) => {
      received ??= signal
      if (!signals.send(signal)) fiber.interruptUnsafe(fiber.id)
    }
    process.on("SIGINT", onSignal)
    process.on("SIGTERM", onSignal)
    fiber.addObserver((exit) => {
      process.removeListener("SIGINT", onSignal)
      process.removeListener("SIGTERM", onSignal)
      teardown(exit, (code) => {
        const ended = code === 130 && received === "SIGTERM" ? 143 : code
        if (received !== undefined || ended !== 0) process.exit(ended)
      })
    })
  })
  run(Effect.provideService(program, Signals, signals), { disableErrorReporting: true })
}
