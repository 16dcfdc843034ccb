/**
 * Follows the attempts of one call of a row: when they were sent, when the first content came, and how they ended. The
 * journal stores the times of the reply with it, and every attempt without a reply for itself.
 */
import type * as Clock from "effect/Clock"
import type * as Event from "../claude/Event.ts"
import type { Timing } from "../claude/ReplyStore.ts"
import * as Timer from "../claude/Timer.ts"
import type { LostAttempt } from "./Journal.ts"

export interface CallTimes {
  readonly sent: (event: Event.CallSent) => void
  readonly firstToken: (event: Event.CallFirstToken) => void
  readonly finished: (event: Event.CallFinished) => void
  /** The attempt, if this call has sent it. */
  readonly lost: (event: Event.CallFailed | Event.CallInterrupted) => LostAttempt | undefined
  /** Of the latest reply. An answer that was not sent for, such as one from a cache, has none. */
  readonly timing: () => Timing | undefined
}

interface Sent {
  readonly startedAt: number
  /** Milliseconds of the monotonic clock. */
  readonly since: number
  firstToken?: number
}

/** Starts without an attempt. */
export const make = (clock: Clock.Clock, path: string): CallTimes => {
  const attempts = new Map<number, Sent>()
  let latest: Timing | undefined
  const timingOf = ({ firstToken, since, startedAt }: Sent): Timing => ({
    startedAt,
    duration: Timer.now(clock) - since,
    ...(firstToken !== undefined && { firstToken })
  })
  return {
    sent: ({ attempt }) =>
      void attempts.set(attempt, { startedAt: clock.currentTimeMillisUnsafe(), since: Timer.now(clock) }),
    firstToken: ({ attempt }) => {
      const sent = attempts.get(attempt)
      if (sent !== undefined) sent.firstToken = Timer.now(clock) - sent.since
    },
    finished: ({ attempt }) => {
      const sent = attempts.get(attempt)
      attempts.delete(attempt)
      latest = sent && timingOf(sent)
    },
    lost: (event) => {
      const sent = attempts.get(event.attempt)
      if (sent === undefined) return undefined
      attempts.delete(event.attempt)
      const { duration, startedAt } = timingOf(sent)
      const { model } = event
      if (event._tag === "call-interrupted") {
        return { path, model, startedAt, duration, reason: "Interrupted", ...nothingKnown }
      }
      const { _tag, code, requestId, status, usage } = event.error.reason
      return { path, model, startedAt, duration, reason: _tag, code, requestId, status, usage, cost: event.cost }
    },
    timing: () => latest
  }
}

const nothingKnown = {
  code: undefined,
  status: undefined,
  requestId: undefined,
  usage: undefined,
  cost: undefined
} as const
