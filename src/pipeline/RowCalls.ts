/**
 * The calls of one row, as its events report them. Once the run stops, a row that waits without a paid answer is
 * interrupted, so that it sends nothing more. A row with a call on the wire, or with an answer, runs to its end.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Event from "../claude/Event.ts"
import { isEmulated } from "../claude/Reply.ts"

/** The calls of a row that runs. */
export interface RowCalls {
  /** Runs the row. `None`: it was interrupted because the run stopped. */
  readonly run: <A, E, R>(row: Effect.Effect<A, E, R>) => Effect.Effect<Option.Option<A>, E, R>
  /** Interrupts the row if the run has stopped and nothing would be lost. */
  readonly check: () => void
  /** Whether an emulator answered a call, directly or through a cache. Undefined while nothing has answered. */
  readonly isEmulated: () => boolean | undefined
}

/** Starts without calls. `hasStopped` is whether the run has stopped. */
export const make = (hasStopped: () => boolean): RowCalls => {
  const abandoned = Deferred.makeUnsafe<Option.Option<never>>()
  const onTheWire = new Set<number>()
  let isPaid = false
  let emulated: boolean | undefined

  const check = () => {
    if (hasStopped() && onTheWire.size === 0 && !isPaid) Deferred.doneUnsafe(abandoned, Effect.succeedNone)
  }
  const count = (event: Event.Event) => {
    switch (event._tag) {
      case "call-sent":
        onTheWire.add(event.attempt)
        return
      case "call-finished":
        onTheWire.delete(event.attempt)
        isPaid = true
        emulated ||= isEmulated(event.requestId)
        return
      case "call-failed":
        onTheWire.delete(event.attempt)
        isPaid ||= event.error.reason.usage !== undefined
        return check()
      case "call-interrupted":
        onTheWire.delete(event.attempt)
        return check()
      case "call-hit":
        emulated ||= isEmulated(event.requestId)
    }
  }
  const listen = Event.listen((event) => Effect.sync(() => count(event)))
  return {
    run: (row) => Effect.raceFirst(Effect.asSome(listen(row)), Deferred.await(abandoned)),
    check,
    isEmulated: () => emulated
  }
}
