/**
 * `effect-claude estimate`: shows what a run with the same flags would send and cost. It is `run --dry-run`, but it can
 * run some rows first, so that their bills replace assumptions.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { positive } from "../Flags.ts"
import * as JobFlags from "../JobFlags.ts"
import { flags as runFlags } from "../RunFlags.ts"

const { dryRun: _, yes: __, ...flags } = runFlags

const measure = positive(
  "measure",
  "First run this many rows, chosen at random: they are paid for, are done, and show how long answers are"
).pipe(Flag.optional)

export const estimate = Command.make(
  "estimate",
  { ...JobFlags.flags, ...flags, measure },
  Effect.fn("Cli.estimate")(function* ({ measure, ...flags }) {
    const JobRun = yield* Effect.promise(() => import("../JobRun.ts"))
    const job = JobFlags.load(flags)
    if (Option.isSome(measure)) yield* JobRun.run({ ...flags, sample: measure, dryRun: false, yes: true }, job)
    yield* JobRun.run({ ...flags, dryRun: true, yes: true }, job)
  })
).pipe(
  Command.withDescription("Show the first requests of a job and what its run takes; nothing is sent unless asked for"),
  Command.withExamples([
    { command: "effect-claude estimate job.ts" },
    { command: "effect-claude estimate job.ts --measure 20" }
  ])
)
