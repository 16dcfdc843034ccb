/**
 * What a command prints while its database or its queue fails: each kind of message once, and a line when both work again.
 * Messages that differ in numbers and names only are of one kind.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Timer from "../claude/Timer.ts"
import * as DurationText from "./DurationText.ts"

/** The tags of failures that end when a server has restarted. */
const passing = new Set(["JournalFailed", "DispatcherFailed", "PostgresFailed"])

/** Whether the server may only be restarting. */
export const isPassing = ({ _tag }: { readonly _tag: string }): boolean => passing.has(_tag)

/** The messages since both worked last. */
export interface Outage {
  /** Prints a message, unless one of its kind was printed. */
  readonly waits: (message: string) => Effect.Effect<void>
  /** As `waits`, for a failure. */
  readonly fails: (message: string) => Effect.Effect<void>
  /** Database and queue work. Prints how long they failed. */
  readonly ends: Effect.Effect<void>
}

/** Begins while both work. */
export const make = (print: (line: string) => Effect.Effect<void>): Outage => {
  const printed = new Set<string>()
  let since: number | undefined
  const waits = (message: string) =>
    Effect.suspend(() => {
      const kind = message.replace(/"[^"]*"|\d+/g, "")
      if (printed.has(kind)) return Effect.void
      printed.add(kind)
      return print(message)
    })
  return {
    waits,
    fails: (message) =>
      Effect.clockWith((clock) => {
        since ??= Timer.now(clock)
        return waits(message)
      }),
    ends: Effect.flatMap(Clock.Clock, (clock) => {
      const began = since
      since = undefined
      printed.clear()
      return began === undefined
        ? Effect.void
        : print(`works again, after ${DurationText.of(Timer.now(clock) - began)}`)
    })
  }
}
