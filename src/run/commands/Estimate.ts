/**
 * `effect-claude estimate`: shows what a run of a job, or of `map`, with the same flags would send and cost. It is
 * `--dry-run`, but it can run some rows first, so that their bills replace assumptions.
 */
import { tmpdir } from "node:os"
import { join, parse } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Struct from "effect/Struct"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { Job } from "../../pipeline/Job.ts"
import type { ExitWith } from "../ExitWith.ts"
import { fileArgument, positive } from "../Flags.ts"
import * as JobFlags from "../JobFlags.ts"
import * as MapFlags from "../MapFlags.ts"
import { flags as runFlags, type RunFlags } from "../RunFlags.ts"
import * as ScoreFlags from "../ScoreFlags.ts"

const flags = Struct.omit(runFlags, ["dryRun", "yes"])
const { prompt, ...mapFlags } = Struct.omit({ ...MapFlags.flags, ...ScoreFlags.flags }, ["data"])

const measure = positive(
  "measure",
  "First run this many rows, chosen at random: they are paid for, are done, and show how long answers are"
).pipe(Flag.optional)

export const estimate = Command.make(
  "estimate",
  {
    ...mapFlags,
    ...JobFlags.flags,
    ...flags,
    job: fileArgument("job", "The file whose default export is the job, or, with --prompt, the file with the rows"),
    prompt: Flag.optional(prompt),
    measure
  },
  Effect.fn("Cli.estimate")(function* ({ job, prompt, ...flags }) {
    if (Option.isNone(prompt)) return yield* estimateJob(flags, JobFlags.load({ ...flags, job }))
    const MapJob = yield* Effect.promise(() => import("../MapJob.ts"))
    const named = { ...flags, data: job, prompt: prompt.value, yes: true }
    if (Option.isSome(flags.measure) || Option.isSome(flags.output))
      return yield* estimateJob(flags, MapJob.load(named))
    // Where no row runs, the results need no place.
    const output = Option.some(unused)
    const name = Option.orElse(flags.name, () => Option.some(parse(job).name))
    return yield* estimateJob({ ...flags, output }, MapJob.load({ ...named, output, name }))
  })
).pipe(
  Command.withDescription("Show the first requests of a run and what it takes; nothing is sent unless asked for"),
  Command.withExamples([
    { command: "effect-claude estimate job.ts --measure 20" },
    { command: 'effect-claude estimate mails.csv --prompt "Summarise in one line: {{body}}"' }
  ])
)

/** The state next to it is removed, unless the process is killed. */
const unused = join(tmpdir(), `effect-claude-estimate-${process.pid}.jsonl`)

type EstimateFlags = Omit<RunFlags, "dryRun" | "yes"> & { readonly measure: Option.Option<number> }

/** Runs the rows that are to be measured, and shows the estimate of the others. */
const estimateJob = Effect.fnUntraced(function* <Row, Out, E, R>(
  { measure, ...flags }: EstimateFlags,
  job: Effect.Effect<Job<Row, Out, E>, ExitWith, R>
) {
  const JobRun = yield* Effect.promise(() => import("../JobRun.ts"))
  if (Option.isSome(measure)) yield* JobRun.run({ ...flags, sample: measure, dryRun: false, yes: true }, job)
  yield* JobRun.run({ ...flags, dryRun: true, yes: true }, job)
})
