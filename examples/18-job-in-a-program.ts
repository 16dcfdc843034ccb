// How do I run a job inside my program, without the command line?
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import { Claude, Job, Journal } from "effect-claude"
import { Sqlite } from "effect-claude/node"
import job from "./07-addresses.ts"

const program = Effect.gen(function* () {
  const summary = yield* Job.run(job, { output: "out/ten.jsonl", limit: 10 })
  yield* Console.log(`${summary.done} of ${summary.total} rows done, ${summary.failed} failed`)
  // The reason for an early end: here the limit; otherwise a ClaudeError, or the same failure on many rows.
  if (summary.stopped !== undefined) yield* Console.log("stopped:", summary.stopped)
})

// The state: which rows are done, and their results. The next run with the same file continues. A state that holds the
// answers of an emulator takes none of Claude's.
const journal = Journal.layer({ job: job.name, shape: Job.shape(job) }).pipe(
  Layer.provide(Sqlite.layer({ path: "out/ten.state.sqlite" }))
)

const live = Claude.layerConfig().pipe(Claude.stack())

program.pipe(Effect.provide([live, journal.pipe(Layer.provideMerge(NodeServices.layer))]), NodeRuntime.runMain)
