/**
 * One job of a worker. It waits until the job is submitted, works on it, and begins again after a submission or a failure
 * that passes. Anything else, such as a job that differs from the submitted one, ends this job and no other.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { type Claude, Event } from "../../index.ts"
import { Drain } from "../../pipeline/Drain.ts"
import * as Job from "../../pipeline/Job.ts"
import type * as Journal from "../../pipeline/Journal.ts"
import * as Progress from "../../pipeline/Progress.ts"
import * as Unstored from "../../pipeline/Unstored.ts"
import * as Cluster from "../Cluster.ts"
import * as ErrorText from "../ErrorText.ts"
import { ExitWith } from "../ExitWith.ts"
import * as Outage from "../Outage.ts"
import * as Postgres from "../Postgres.ts"
import * as RunFailure from "../RunFailure.ts"

/** How long a worker waits before it looks again for a job, or for a database that has failed. */
const pause = "1 second"

/** The work of a process on a job. `claude` and `sender` make its Claude, and the one that sends its batches; see `Cluster.work`. */
export const make = <Row, Out, E, E2 extends Error & { readonly _tag: string }, R>(
  job: Job.Job<Row, Out, E>,
  options: Cluster.WorkOptions,
  claude: (submitted: Journal.Settings) => Layer.Layer<Claude.Claude, E2, R>,
  sender?: (submitted: Journal.Settings) => Layer.Layer<Claude.Claude, E2, R>
) => {
  let isRunning = false
  /** Whether rows have run before. */
  let hasRun = false
  let rows = 0
  let givenBack = 0
  const print = (text: string) => Console.error(`${job.name}: ${text}`)
  const waits = (reason: string) => Event.emit(() => ({ _tag: "job-waits", reason }))
  const outage = Outage.make(print)
  const observe = (event: Event.Event) =>
    Effect.suspend(() => {
      if (event._tag === "row-finished") rows += 1
      if (event._tag === "chunk-ended" && event.outcome === "given-back") givenBack += 1
      if (event._tag === "run-paced") isRunning = hasRun = true
      // A run also begins while the queue fails.
      return event._tag === "chunk-taken" ? outage.ends : Effect.void
    })
  const unstored = Unstored.make()
  const work = Cluster.work(job, { ...options, unstored }, claude, sender).pipe(
    Effect.provide(Postgres.layer(options.database)),
    Event.listen(observe),
    Effect.scoped,
    Effect.ensuring(Effect.sync(() => void (isRunning = false))),
    Effect.map(({ stopped }) => stopped)
  )
  /** Waits, and says once for what. */
  const again = Effect.fnUntraced(function* (message: string, tag?: string) {
    yield* waits(message)
    yield* tag === "JobNotSubmitted" ? outage.waits(message) : outage.fails(message)
    const drain = yield* Drain
    return yield* Effect.timeoutOrElse(drain === undefined ? Effect.never : Effect.as(drain.await, "signal" as const), {
      duration: pause,
      orElse: () => Effect.succeed("wanted" as const)
    })
  })
  /** A database that this process has read once will come back. */
  const isPassing = (error: { readonly _tag: string }) =>
    error._tag === "JobNotSubmitted" || (hasRun && Outage.isPassing(error))
  const once = work.pipe(
    Effect.catchIf(isPassing, ({ _tag, message }) => again(message, _tag)),
    Effect.catchDefect((defect) =>
      hasRun && defect instanceof Error
        ? again(defect.message)
        : Effect.fail(new ExitWith(2, ErrorText.withPlace(defect)))
    )
  )
  const untilStopped = Effect.gen(function* () {
    while (true) {
      const ended = yield* once
      const stopped = ended instanceof Job.JobBroken ? yield* again(ended.message) : ended
      if (stopped === "signal") return
      if (stopped === "wanted" || stopped === undefined) continue
      return yield* Effect.fail(new ExitWith(3, typeof stopped === "string" ? stopped : stopped.message))
    }
  })
  const printEnd = Effect.fnUntraced(function* () {
    const chunks = Progress.counted(givenBack, "unfinished chunk was", "unfinished chunks were")
    const unfinished = givenBack === 0 ? "" : `; ${chunks} given back`
    yield* print(`${Progress.counted(rows, "row has", "rows have")} ended here${unfinished}`)
    const lost = Progress.counted(unstored.size(), "reply", "replies")
    if (unstored.size() > 0) yield* print(`${lost} could not be stored, and will be paid for again`)
  })
  return {
    name: job.name,
    /** Whether rows run now. */
    isRunning: () => isRunning,
    /** Works until the process is asked to stop, and gives 0; or until the job stops, and gives the exit code for it. */
    run: untilStopped.pipe(
      Effect.mapError(RunFailure.toExit({ output: "" }, "--database")),
      Effect.matchEffect({
        onSuccess: () => Effect.as(printEnd(), 0),
        onFailure: ({ code, message }) => Effect.as(Effect.andThen(print(message), waits(message)), code)
      })
    )
  }
}
