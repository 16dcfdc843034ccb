/**
 * The metrics of a worker: a fold over the events of one job, in Effect's registry of metrics, from which `/metrics` and an
 * OTLP exporter read them. Labels are the names of jobs, models and reasons. Counters are floats, for monitoring; exact costs
 * are in the state of the job.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Event from "../../claude/Event.ts"
import * as Redact from "../../claude/Redact.ts"
import { isBilled } from "../../claude/Reply.ts"
import * as Usage from "../../claude/Usage.ts"

type Instrument = Metric.Metric<number, unknown>

const counter = (name: string, description: string): Instrument =>
  Metric.counter(`effect_claude_${name}`, { description, incremental: true })
const gauge = (name: string, description: string): Instrument => Metric.gauge(`effect_claude_${name}`, { description })

const metrics = {
  rows: counter("rows_total", "Rows that ended in this worker, by state: done or failed"),
  calls: counter(
    "calls_total",
    "Calls by outcome: answered, failed or interrupted attempts, and answers that were cached or replayed"
  ),
  failures: counter("call_failures_total", "Failed attempts by reason; RateLimited is an answer with status 429"),
  retries: counter("retries_total", "Calls that are sent again after a failure, by its reason"),
  spend: counter("spend_usd_total", "Cost of calls in US dollars, if the price is known"),
  tokens: counter("tokens_total", "Billed tokens by kind: input, output, cache_read or cache_write"),
  inFlight: gauge("calls_in_flight", "Attempts that wait for their answer"),
  waiting: gauge("calls_waiting", "Calls that wait for a place, a limit, money, a repeat or a batch"),
  chunks: counter("chunks_total", "Chunks of rows that ended in this worker: completed, given_back or lost"),
  held: gauge("chunks_held", "Chunks of rows that this worker holds"),
  batchItems: counter("batch_items_total", "Requests of Message Batches: sent, succeeded, errored, canceled or expired")
}

type Labels = Readonly<Record<string, string>>

/** Counts the worker, so that a dashboard can join its name with the other metrics of the same address. */
export const countWorker = (worker: string): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(gauge("worker_info", "The name of the worker; always 1"), { worker }), 1)

/** A listener for the events of one job. */
export const listener = Effect.fnUntraced(function* (job: string): Effect.fn.Return<Event.Listener> {
  const context = yield* Effect.context<never>()
  const name = (yield* Redact.Redactor)(job)
  const made = new Map<string, Instrument>()
  const fold = folding((metric, value, labels = {}) => {
    const key = [metric, ...Object.values(labels)].join("\n")
    const instrument = made.get(key) ?? Metric.withAttributes(metrics[metric], { job: name, ...labels })
    made.set(key, instrument)
    instrument.updateUnsafe(value, context)
  })
  return (event) => Effect.sync(() => fold(event))
})

/** Series exist from the start, so that the first event is an increase. */
const folding = (update: (metric: keyof typeof metrics, value: number, labels?: Labels) => void) => {
  /** Attempts without a bill: those in flight, and interrupted ones, whose answer may still arrive. */
  const unsettled = new Map<number, "in flight" | "interrupted">()
  let inFlight = 0
  let open = 0
  let held = 0
  const show = () => {
    update("inFlight", inFlight)
    // A hedged call has two attempts.
    update("waiting", Math.max(0, open - inFlight))
    update("held", held)
  }
  /** What a session has left open when it breaks off. */
  const reset = () => {
    unsettled.clear()
    inFlight = open = held = 0
    show()
  }
  for (const state of ["done", "failed"]) update("rows", 0, { state })
  for (const outcome of ["completed", "given_back", "lost"]) update("chunks", 0, { outcome })
  show()

  const end = (
    { attempt, model }: Event.OfAttempt,
    outcome: "answered" | "failed" | "interrupted",
    reason?: string
  ): void => {
    if (unsettled.get(attempt) === "in flight") {
      inFlight -= 1
      update("calls", 1, { model, outcome })
      if (reason !== undefined) update("failures", 1, { model, reason })
    }
    if (outcome === "interrupted") unsettled.set(attempt, "interrupted")
    else unsettled.delete(attempt)
  }
  const bill = (
    { attempt, cost, model }: Event.CallFinished | Event.CallFailed,
    usage: Usage.Usage | undefined
  ): void => {
    if (usage === undefined || !unsettled.has(attempt)) return
    if (cost !== undefined) update("spend", BigDecimal.toNumberUnsafe(cost), { model })
    update("tokens", Usage.totalInput(usage), { model, kind: "input" })
    update("tokens", usage.output, { model, kind: "output" })
    update("tokens", usage.cacheRead, { model, kind: "cache_read" })
    update("tokens", usage.cacheWrite5m + usage.cacheWrite1h, { model, kind: "cache_write" })
  }

  return (event: Event.Event): void => {
    switch (event._tag) {
      case "row-finished":
        return update("rows", 1, { state: event.succeeded ? "done" : "failed" })
      case "call-begun":
      case "call-ended":
        open += event._tag === "call-begun" ? 1 : -1
        return show()
      case "call-sent":
        unsettled.set(event.attempt, "in flight")
        inFlight += 1
        return show()
      case "call-finished":
        bill(event, isBilled(event.origin) ? event.usage : undefined)
        end(event, "answered")
        return show()
      case "call-failed": {
        const { _tag: reason, usage } = event.error.reason
        bill(event, usage)
        end(event, "failed", reason)
        return show()
      }
      case "call-interrupted":
        end(event, "interrupted")
        return show()
      case "call-hit":
        return update("calls", 1, {
          model: event.model,
          outcome: event.reply.origin === "journal" ? "replayed" : "cached"
        })
      case "call-retried":
        return update("retries", 1, { model: event.model, reason: event.error.reason._tag })
      case "job-waits":
        return reset()
      case "chunk-taken":
        held += 1
        return show()
      case "chunk-ended":
        held = Math.max(0, held - 1)
        update("chunks", 1, { outcome: event.outcome.replace("-", "_") })
        return show()
      case "batch-sent":
        return event.how === "sent" ? update("batchItems", event.requests, { outcome: "sent" }) : undefined
      case "batch-ended":
        for (const outcome of ["succeeded", "errored", "canceled", "expired"] as const) {
          update("batchItems", event[outcome], { outcome })
        }
        return
    }
  }
}
