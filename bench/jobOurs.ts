/**
 * The job on the library of this checkout or of another one ("before"), with its sources and its Effect.
 */
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import type { Task } from "./jobWorker.ts"

/** What our subject of the checkout at `root` does. */
export const load = async (root: string) => {
  const from = (file: string) => import(pathToFileURL(resolve(root, file)).href)
  const { Deferred, Effect, Layer, Redacted, Schema, Stream }: typeof import("effect") = await from(
    "node_modules/effect/dist/index.js"
  )
  const library: typeof import("../src/index.ts") = await from("src/index.ts")
  const { NodeTransport, Sqlite }: typeof import("../src/run/index.ts") = await from("src/run/index.ts")
  const platform: typeof import("@effect/platform-node") = await from(
    "node_modules/@effect/platform-node/dist/index.js"
  )
  const { AnthropicClient, Claude, Concurrency, Dataset, Job, Journal, Retry, Step } = library

  const jobOf = ({ folder, input }: Task) =>
    Job.make({
      name: "bench",
      source: Dataset.fromFile(Schema.Struct({ id: Schema.String, question: Schema.String }), input),
      key: ({ id }) => id,
      step: Step.text("answer", ({ question }: { readonly question: string }) => question),
      output: Schema.String,
      sink: join(folder, "results.jsonl")
    })

  const stateOf = (task: Task) =>
    Layer.mergeAll(
      Journal.layer({ job: "bench", shape: Job.shape(jobOf(task)) }).pipe(
        Layer.provide(Sqlite.layer({ path: join(task.folder, "state.sqlite") }))
      ),
      platform.NodeServices.layer
    )

  /** Retries and a concurrency limit, as the other tools have. */
  const claudeOf = ({ inFlight, url }: Task) =>
    Claude.layer.pipe(
      Layer.provide(AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL: url })),
      Concurrency.policy(inFlight),
      Retry.policy(),
      Layer.provideMerge(NodeTransport.layer())
    )

  /** A Claude that does nothing but report its first call. */
  const silent = (called: Effect.Effect<unknown>) => {
    const call = Effect.andThen(called, Effect.never)
    return Layer.succeed(Claude.Claude, {
      create: () => call,
      stream: () => Stream.fromEffect(call),
      countTokens: () => call,
      capacity: Effect.succeed(64)
    })
  }

  return {
    run: (task: Task) =>
      Job.run(jobOf(task), { concurrency: 2 * task.inFlight }).pipe(
        Effect.tap(({ done }) =>
          done === task.rows ? Effect.void : Effect.die(`${done} of ${task.rows} rows are done`)
        ),
        Effect.provide([claudeOf(task), stateOf(task)]),
        Effect.runPromise
      ),
    /** Claims all rows in a run that stops before the first call, and stores results for the first 99 %. */
    prepare: (task: Task) =>
      Effect.gen(function* () {
        const job = jobOf(task)
        yield* Job.run(job, { limit: 0 })
        const journal = yield* Journal.Journal
        // The run has closed its output.
        if ("appendTo" in journal) yield* journal.appendTo(() => Effect.void)
        const value = "The quick brown fox jumps over the lazy dog. ".repeat(3)
        const finish = (row: number) => {
          const key = `${row + 1}`.padStart(8, "0")
          return journal.finish(key, JSON.stringify({ key, value }))
        }
        yield* Stream.range(0, Math.floor(task.rows * 0.99) - 1).pipe(
          Stream.mapEffect(finish, { concurrency: 256, unordered: true }),
          Stream.runDrain
        )
        const { writeLines } = Dataset
        yield* (yield* writeLines(job.sink)).replaceWith(journal.outputs)
      }).pipe(Effect.scoped, Effect.provide([silent(Effect.void), stateOf(task)]), Effect.runPromise),
    resume: (task: Task) =>
      Effect.gen(function* () {
        const called = yield* Deferred.make<void>()
        const run = Job.run(jobOf(task), { concurrency: task.inFlight }).pipe(
          Effect.provide([silent(Deferred.succeed(called, undefined)), stateOf(task)])
        )
        yield* Effect.raceFirst(run, Deferred.await(called))
      }).pipe(Effect.runPromise)
  }
}
