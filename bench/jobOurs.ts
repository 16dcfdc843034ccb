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
  const testing: typeof import("../src/testing/index.ts") = await from("src/testing/index.ts")
  const { NodeTransport, Sqlite }: typeof import("../src/run/index.ts") = await from("src/run/index.ts")
  const platform: typeof import("@effect/platform-node") = await from(
    "node_modules/@effect/platform-node/dist/index.js"
  )
  const { AnthropicClient, Claude, Concurrency, Dataset, Job, Journal, Retry, Step } = library

  // As the command line does.
  const heap: typeof import("../src/run/Heap.ts") | undefined = await from("src/run/Heap.ts").catch(() => undefined)
  heap?.limit()

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

  /** A Claude in this process. */
  const claudeFrom = (create: (typeof Claude.Claude)["Service"]["create"]) =>
    Layer.succeed(Claude.Claude, {
      create,
      stream: () => Stream.die("no streams"),
      countTokens: () => Effect.die("no counts"),
      capacity: Effect.succeed(64)
    })

  const text = "The quick brown fox jumps over the lazy dog. ".repeat(3)
  const message = testing.TestClaude.message(text)
  const answer = { message, requestId: "req_bench", origin: "api", rateLimits: undefined } as const

  return {
    run: (task: Task) =>
      Job.run(jobOf(task), { concurrency: 2 * task.inFlight }).pipe(
        Effect.tap(({ done }) =>
          done === task.rows ? Effect.void : Effect.die(`${done} of ${task.rows} rows are done`)
        ),
        Effect.provide([claudeOf(task), stateOf(task)]),
        Effect.runPromise
      ),
    /** Runs 99 % of the rows. */
    prepare: (task: Task) =>
      Job.run(jobOf(task), { limit: Math.floor(task.rows * 0.99), concurrency: task.inFlight }).pipe(
        Effect.provide([claudeFrom(() => Effect.succeed(answer)), stateOf(task)]),
        Effect.runPromise
      ),
    /** Resumes the job until its first call. */
    resume: (task: Task) =>
      Effect.gen(function* () {
        const called = yield* Deferred.make<void>()
        const run = Job.run(jobOf(task), { concurrency: task.inFlight }).pipe(
          Effect.provide([
            claudeFrom(() => Effect.andThen(Deferred.succeed(called, undefined), Effect.never)),
            stateOf(task)
          ])
        )
        yield* Effect.raceFirst(run, Deferred.await(called))
      }).pipe(Effect.runPromise)
  }
}
