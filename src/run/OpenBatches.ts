/**
 * The Message Batches of a run that have not ended: how to cancel them, and what is printed about them when the run ends
 * first.
 */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { type ClaudeError, MessageBatches } from "../index.ts"
import { Journal } from "../pipeline/Journal.ts"
import * as Progress from "../pipeline/Progress.ts"
import { ExitWith } from "./ExitWith.ts"
import { howToContinue } from "./JobReport.ts"
import type { RunFlags } from "./RunFlags.ts"

/** The batches of a run. An emulator's batches end within a second or two, so they are looked at more often. */
export const make = ({ concurrency }: Pick<RunFlags, "concurrency">, emulated: boolean) =>
  MessageBatches.make({
    ...(Option.isSome(concurrency) && { capacity: concurrency.value }),
    ...(emulated && { shortestPoll: "300 millis" })
  })

/**
 * Cancels all batches, and waits until they have ended and their finished answers are read, apart from those that cannot
 * be cancelled. It looks for batches for one more second, because one may just be on its way to the API.
 */
export const cancel = Effect.fnUntraced(function* (self: MessageBatches.MessageBatches) {
  const asked = new Set<string>()
  const left = new Set<string>()
  let quiet = 0
  while (quiet < 5) {
    const batches = (yield* MessageBatches.running(self)).filter(({ id }) => !left.has(id))
    quiet = batches.length === 0 ? quiet + 1 : 0
    const found = batches.filter(({ id }) => !asked.has(id))
    if (found.length > 0) {
      yield* Console.error(`cancelling ${Progress.counted(found.length, "batch", "batches")}, ${waiting}`)
    }
    for (const { cancel, id } of found) {
      asked.add(id)
      yield* Effect.catch(Effect.retry(cancel, passing), ({ message }) => {
        left.add(id)
        return Console.error(`batch ${id} cannot be cancelled: ${message}`)
      })
    }
    yield* Effect.sleep("200 millis")
  }
})

/** How often a batch is asked to end. */
const passing = {
  schedule: Schedule.exponential("500 millis"),
  times: 4,
  while: ({ isRetryable }: ClaudeError.ClaudeError) => isRetryable
}

const waiting = "and waiting for the answers that are finished; a second signal ends the run at once"

/** Forgets the batches of an emulator that ended with an earlier run: their calls are sent again. */
export const forget = Effect.gen(function* () {
  const { replies } = yield* Journal
  yield* Effect.forEach(yield* replies.unfinished, ({ id }) => replies.ended(id), { discard: true })
})

/** Fails if an earlier run left batches, whose answers direct calls would pay for again. */
export const refuseDirect = Effect.gen(function* () {
  const { replies } = yield* Journal
  const left = yield* replies.unfinished
  if (left.length === 0) return
  const requests = left.reduce((sum, { items }) => sum + items.length, 0)
  const { counted } = Progress
  const batches = counted(left.length, "batch of this job has", "batches of this job have")
  return yield* Effect.fail(
    new ExitWith(
      2,
      `${batches} ${counted(requests, "request", "requests")} whose answers are not collected, and direct calls would ` +
        "pay for them again; add --mode batches to collect them"
    )
  )
})

/** Prints the batches that continue without this process. */
export const report = (self: MessageBatches.MessageBatches): Effect.Effect<void> =>
  Effect.gen(function* () {
    const batches = yield* MessageBatches.running(self)
    if (batches.length === 0) return
    const now = yield* Clock.currentTimeMillis
    yield* Console.error(
      [
        `${Progress.counted(batches.length, "batch continues", "batches continue")} without this process:`,
        ...batches.map(
          ({ id, requests, since }) =>
            `  ${id}: ${Progress.counted(requests, "request", "requests")}, sent ${Progress.age(since, now)} ago`
        ),
        `To collect the answers, ${howToContinue}. To cancel a batch, POST /v1/messages/batches/{id}/cancel, or ` +
          "continue with --on-interrupt cancel and stop the run with a signal."
      ].join("\n")
    )
  })
