/**
 * The calls of one row: their replies are durable, and their events decide what happens to the row once the run stops. A
 * row that only waits is abandoned at once, and one that would send another call at that call: it stays pending, and the
 * next run replays its replies. Calls on the wire end first, and their replies are stored.
 */
import type * as BigDecimal from "effect/BigDecimal"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Cost from "../claude/Cost.ts"
import type * as Event from "../claude/Event.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import * as Hold from "../claude/Hold.ts"
import type { Request } from "../claude/Request.ts"
import type { Answer, CallKey, ReplyStoreFailed } from "../claude/ReplyStore.ts"
import * as StoredReply from "../claude/StoredReply.ts"
import * as CallTimes from "./CallTimes.ts"
import * as Durable from "./Durable.ts"
import type { InFlight } from "./InFlight.ts"
import type { JournalFailed, LostAttempt, PendingRow } from "./Journal.ts"
import type { RowLease } from "./PendingRows.ts"
import type { Minutes } from "./Minutes.ts"
import type { Reach } from "./Reach.ts"
import type * as RowFailure from "./RowFailure.ts"

/** What all rows of a run share. A store that fails has stopped the run. */
export interface Run {
  /** Whether the run has stopped, so that no call may be sent. */
  readonly hasStopped: () => boolean
  readonly inFlight: InFlight
  readonly save: (answer: Answer) => Effect.Effect<void, ReplyStoreFailed>
  readonly reject: (call: CallKey, request: Request) => Effect.Effect<void, JournalFailed>
  /** Adds a bill without a reply. */
  readonly spend: (cost: BigDecimal.BigDecimal | undefined) => Effect.Effect<void, JournalFailed>
  /** Logs an attempt without a reply. */
  readonly lost: (key: string, attempt: LostAttempt) => Effect.Effect<void, JournalFailed>
  readonly reach: Reach
  /** Stops the run, since the host cannot be reached. */
  readonly unreachable: (error: ClaudeError) => Effect.Effect<void>
  readonly minutes: Minutes
  readonly clock: Clock.Clock
}

/** The calls of a row that runs. */
export interface RowCalls extends Durable.Row {
  /** Abandons the row if the run has stopped, or its lease is lost, and nothing would be lost with it. */
  readonly check: () => void
  readonly bill: (now: Date) => RowFailure.Bill
}

/** Starts with the stored replies of the row. `interrupt` interrupts its fiber. */
export const make = (
  run: Run,
  { hasFailed, key, lease, replies }: PendingRow & { readonly lease?: Pick<RowLease, "isHeld"> },
  interrupt: () => void
): RowCalls => {
  let isAbandoned = false
  /** `open` calls have begun and not ended. The `busy` ones are on the wire or have a reply to store. */
  let open = 0
  let busy = 0
  let isBlocked = false
  let attempts = 0
  let calls = 0
  const costs: Array<BigDecimal.BigDecimal | undefined> = []
  let replayed = 0

  const abandoned = Deferred.makeUnsafe<never>()

  const abandon = () => {
    if (isAbandoned) return
    isAbandoned = true
    interrupt()
    // Where the step must not be interrupted, its blocked calls end all the same.
    Deferred.doneUnsafe(abandoned, Effect.interrupt)
  }
  /** The row ends where its store fails, whatever the step makes of it. */
  const orAbandon = <E>(store: Effect.Effect<void, E>): Effect.Effect<void> =>
    Effect.catchDefect(Effect.orDie(store), () =>
      Effect.suspend(() => {
        abandon()
        return Effect.interrupt
      })
    )
  const refused = Effect.suspend(() => {
    check()
    return Deferred.await(abandoned)
  })
  const isLost = () => lease?.isHeld() === false
  const mustNotSend = () => run.hasStopped() || isLost()
  const check = () => {
    if (mustNotSend() && busy === 0 && (isBlocked || open > 0 || calls === 0)) abandon()
  }

  const count = (add: (by: 1 | -1) => void) => {
    add(1)
    check()
    return () => {
      add(-1)
      check()
    }
  }

  const begin = ({ path }: CallKey): Durable.Sending | undefined => {
    if (mustNotSend()) {
      isBlocked = true
      check()
      return undefined
    }
    open += 1
    const onTheWire = new Set<number>()
    let hasReply = false
    let isBusy = false
    const times = CallTimes.make(run.clock, path)
    const lost = (event: Event.CallFailed | Event.CallInterrupted) => {
      const attempt = times.lost(event)
      return attempt === undefined ? Effect.void : orAbandon(run.lost(key, attempt))
    }
    const update = () => {
      const wasBusy = isBusy
      isBusy = hasReply || onTheWire.size > 0
      busy += Number(isBusy) - Number(wasBusy)
      if (wasBusy && !isBusy) run.inFlight.leave()
      check()
    }
    const listener = (event: Event.Event): Effect.Effect<void> => {
      switch (event._tag) {
        case "call-sent": {
          // The call may have waited for longer than the lease lasted. This is the last moment before it is sent.
          let isRefused = false
          const entered = run.inFlight.enter(() => {
            if (isLost()) {
              isRefused = true
              run.inFlight.leave()
              return
            }
            // The attempts of one call have one place.
            if (isBusy) run.inFlight.leave()
            attempts += 1
            onTheWire.add(event.attempt)
            times.sent(event)
            update()
          })
          return Hold.until(Effect.flatMap(entered, () => (isRefused ? refused : Effect.void)))
        }
        case "call-first-token":
          times.firstToken(event)
          return Effect.void
        case "call-finished":
          onTheWire.delete(event.attempt)
          times.finished(event)
          run.reach.answered()
          run.minutes.answered(event.model, event.reply, run.clock.currentTimeMillisUnsafe())
          calls += 1
          costs.push(event.cost)
          hasReply = true
          update()
          return Effect.void
        case "call-interrupted":
          onTheWire.delete(event.attempt)
          update()
          return lost(event)
        case "call-failed": {
          onTheWire.delete(event.attempt)
          update()
          if (run.reach.failed(event.error)) return Effect.andThen(lost(event), run.unreachable(event.error))
          if (event.error.reason.usage === undefined) return lost(event)
          costs.push(event.cost)
          return Effect.andThen(lost(event), orAbandon(run.spend(event.cost)))
        }
        case "call-waited":
          run.minutes.waited(event, run.clock.currentTimeMillisUnsafe())
          return Effect.void
        default:
          return Effect.void
      }
    }
    return {
      listener,
      timing: times.timing,
      end: () => {
        open -= 1
        hasReply = false
        onTheWire.clear()
        update()
      }
    }
  }
  return {
    key,
    slots: Durable.slots(replies, hasFailed ? "skip" : "replay"),
    begin,
    abandoned: Deferred.await(abandoned),
    save: (answer) => orAbandon(run.save(answer)),
    reject: (call, request) => orAbandon(run.reject(call, request)),
    replayed: (reply) => {
      calls += 1
      replayed += 1
      const now = run.clock.currentTimeMillisUnsafe()
      run.minutes.replayed(Cost.bill(reply.message, new Date(now)).cost, now)
    },
    handlers: {
      mayRun: () => {
        if (!mustNotSend()) return true
        isBlocked = true
        check()
        return false
      },
      mayRunAgain: () => true,
      // The run waits for a handler as for a call on the wire, and not for an approval.
      runs: () => count((by) => void (busy += by)),
      waits: () =>
        count((by) => {
          open += by
          busy -= by
        })
    },
    check,
    // Replies of earlier runs were paid for, also those that are not used again.
    bill: (now) => ({
      attempts,
      calls: calls - replayed + replies.length,
      cost: Cost.sum([
        ...costs,
        ...replies
          .flatMap(({ reply }) => StoredReply.decode(reply) ?? [])
          .map(({ message }) => Cost.bill(message, now).cost)
      ])
    })
  }
}
