/**
 * A line of callers: only the first one asks to be let in, and the others wait for their turn without a timer. A
 * caller that is interrupted leaves the line. Every operation takes the same time, however long the line is.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Timer from "../../claude/Timer.ts"
import type { Reservation, Wait } from "./Buckets.ts"

/** Callers in the order of their tickets. */
export interface Line {
  /**
   * Waits for the turn of the ticket, and asks until the answer is not `Wait`. Two callers never ask at the same time.
   * `ask` is not interrupted; the waits are. After an interruption, an answer may be lost on the way to the caller.
   */
  readonly enter: (ticket: number, ask: Effect.Effect<Reservation | Wait>) => Effect.Effect<Reservation>
  /** Lets the first caller ask again at once. */
  readonly wake: () => void
  /** Whether no caller asks or waits. */
  readonly isEmpty: () => boolean
}

interface Waiter {
  readonly ticket: number
  readonly resume: () => void
  before: Waiter | undefined
  after: Waiter | undefined
}

/** An empty line. */
export const make = (): Line => {
  let first: Waiter | undefined
  let last: Waiter | undefined
  let hasTurn = false
  let isPassing = false
  let wakeFirst: (() => void) | undefined

  /** New tickets are the highest; a call that is sent again has one of the lowest. */
  const insert = (waiter: Waiter): void => {
    let after = last !== undefined && waiter.ticket > last.ticket ? undefined : first
    while (after !== undefined && after.ticket < waiter.ticket) after = after.after
    const before = after === undefined ? last : after.before
    waiter.before = before
    waiter.after = after
    if (before === undefined) first = waiter
    else before.after = waiter
    if (after === undefined) last = waiter
    else after.before = waiter
  }

  const remove = ({ after, before }: Waiter): void => {
    if (before === undefined) first = after
    else before.after = after
    if (after === undefined) last = before
    else after.before = before
  }

  /**
   * Ends a turn, and gives it to the next caller. It resumes at once and may end its turn before `resume` returns, so a
   * loop keeps the stack short.
   */
  const pass = (): undefined => {
    hasTurn = false
    if (isPassing) return
    isPassing = true
    while (!hasTurn && first !== undefined) {
      const next = first
      remove(next)
      hasTurn = true
      next.resume()
    }
    isPassing = false
  }

  /** An interruption may come before or after the turn has been passed to this caller. */
  const turn = (ticket: number, restore: Restore) =>
    Effect.suspend(() => {
      let isFirst = false
      let waiter: Waiter | undefined
      const waiting = Effect.callback<void>((resume) => {
        const resumed = () => {
          isFirst = true
          resume(Effect.void)
        }
        waiter = { ticket, resume: resumed, before: undefined, after: undefined }
        insert(waiter)
      })
      return Effect.onExitPrimitive(restore(waiting), (exit) => {
        if (Exit.isSuccess(exit)) return undefined
        if (isFirst) pass()
        else if (waiter !== undefined) remove(waiter)
        return undefined
      })
    })

  const sleep = (milliseconds: number) =>
    Effect.withFiber((fiber) =>
      Effect.callback<void>((resume) => {
        const awake = () => {
          stop()
          wakeFirst = undefined
          resume(Effect.void)
        }
        const stop = Timer.after(Math.ceil(milliseconds), fiber, awake)
        wakeFirst = awake
        return Effect.sync(() => {
          stop()
          wakeFirst = undefined
        })
      })
    )

  return {
    enter: (ticket, ask) =>
      Effect.uninterruptibleMask((restore) => {
        const asking: Effect.Effect<Reservation> = Effect.filterOrElse(
          ask,
          (answer) => answer._tag === "Reservation",
          ({ milliseconds }) => Effect.andThen(restore(sleep(milliseconds)), asking)
        )
        const first = Effect.onExitPrimitive(asking, pass, true)
        if (hasTurn) return Effect.andThen(turn(ticket, restore), first)
        hasTurn = true
        return first
      }),
    wake: () => wakeFirst?.(),
    isEmpty: () => !hasTurn
  }
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
