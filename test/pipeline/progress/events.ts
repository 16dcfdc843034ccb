/**
 * Events for tests of the progress, and the progress after them.
 */
import { ClaudeError, type Event, Progress, Usage } from "effect-claude"
import { BigDecimal, Duration } from "effect"
import { message } from "../../fixtures.ts"

export const model = "claude-sonnet-5-5"
export const overloaded = new ClaudeError.ClaudeError({ reason: new ClaudeError.Overloaded({ detail: "busy" }) })
export const sent = (attempt: number): Event.EventBody => ({ _tag: "call-sent", attempt, model })
export const interrupted = (attempt: number): Event.EventBody => ({ _tag: "call-interrupted", attempt, model })
export const failed: End = { _tag: "call-failed", model, error: overloaded, cost: undefined, saved: undefined }
export const brokenOff = (cost: string | undefined): End => {
  const usage = { ...Usage.zero, input: 7 }
  const error = new ClaudeError.ClaudeError({ reason: new ClaudeError.StreamInterrupted({ detail: "cut", usage }) })
  return { _tag: "call-failed", model, error, cost: dollars(cost), saved: undefined }
}
export const retried = (reason: ClaudeError.Reason): Event.EventBody => {
  const error = new ClaudeError.ClaudeError({ reason })
  return { _tag: "call-retried", model, repeat: 1, repeats: 12, delay: Duration.zero, error }
}
export const finished = (cost: string | undefined) =>
  ({
    _tag: "call-finished",
    model,
    reply,
    origin: "api",
    requestId: "req_1",
    usage: { ...Usage.zero, input: 60, cacheRead: 40, output: 20 },
    cost: dollars(cost),
    saved: undefined
  }) as const
export const reply = { message: message(), requestId: "req_1", origin: "api", rateLimits: undefined } as const
export const dollars = (cost: string | undefined) =>
  cost === undefined ? undefined : BigDecimal.fromStringUnsafe(cost)

export const at = (body: Event.EventBody): Event.Event => ({
  ...body,
  site: { job: undefined, row: undefined, path: [], labels: {} }
})

/** The end of an attempt without its number. */
type End = Omit<Event.CallFinished, "attempt"> | Omit<Event.CallFailed, "attempt">

export const attempt = (attempt: number, end: End): ReadonlyArray<Event.EventBody> => [
  sent(attempt),
  { ...end, attempt }
]

export const after = (events: ReadonlyArray<Event.EventBody>) => events.map(at).reduce(Progress.update, Progress.empty)
