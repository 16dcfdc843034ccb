/**
 * `effect-claude worker`: works on submitted jobs, beside any number of other workers.
 */
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as ClusterFlags from "../ClusterFlags.ts"

export const worker = Command.make(
  "worker",
  ClusterFlags.worker,
  Effect.fn("Cli.worker")(function* (flags) {
    const { run } = yield* Effect.promise(() => import("../Work.ts"))
    return yield* run(flags)
  })
).pipe(
  Command.withDescription("Work on jobs that `run --database` has submitted, beside any number of other workers"),
  Command.withExamples([
    { command: "effect-claude worker --database postgres://host:5432/database job.ts other.job.ts" }
  ])
)
