/**
 * Compares two candidates row by row: the results in two states, or two prompts or models that it runs first. The states
 * stay as they are, and their jobs may still run.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Comparison from "../pipeline/Comparison.ts"
import * as Report from "../pipeline/Report.ts"
import * as Score from "../pipeline/Score.ts"
import * as ScoredLine from "../pipeline/ScoredLine.ts"
import type { CompareFlags } from "./CompareFlags.ts"
import * as CompareReport from "./CompareReport.ts"
import { ExitWith } from "./ExitWith.ts"
import * as JobRun from "./JobRun.ts"
import * as MapJob from "./MapJob.ts"
import * as OpenState from "./OpenState.ts"
import * as StateReport from "./StateReport.ts"

const refuse = (message: string) => Effect.fail(new ExitWith(2, message))

/** Compares what the flags name: two states, or with prompts two candidates on the rows of a file. */
export const run = Effect.fnUntraced(function* (flags: CompareFlags) {
  const [one, other] = flags.places
  if (one === undefined) return yield* refuse("nothing to compare; name two states, or a file and two prompts")
  if (flags.prompt.length > 0) {
    if (other !== undefined) return yield* refuse("--prompt needs one file with rows; leave the second file out")
    return yield* candidates(flags, one)
  }
  if (other === undefined) {
    return yield* refuse(
      `nothing to compare ${one} with; name a second state, or give --prompt twice to run two prompts`
    )
  }
  yield* states([place(one), place(other)], flags)
}, Effect.scoped)

/** A state, the job in it, and the name to print for it. */
interface Candidate {
  readonly state: string
  readonly job: Option.Option<string>
  readonly name: string
}

const place = (state: string): Candidate => ({ state, job: Option.none(), name: state })

/** Compares two states, and prints the result. */
const states = Effect.fnUntraced(function* (
  [one, other]: readonly [Candidate, Candidate],
  { json, report, texts }: Pick<CompareFlags, "json" | "report" | "texts">
) {
  const [a, b] = [yield* OpenState.one(one), yield* OpenState.one(other)]
  const counter = Comparison.counter()
  yield* Stream.runForEach(a.outputs, (line) => Effect.sync(() => counter.addA(ScoredLine.parse(line, a.fields))))
  yield* Stream.runForEach(b.outputs, (line) => Effect.sync(() => counter.addB(ScoredLine.parse(line, b.fields))))
  const compared = {
    a: yield* sideOf(a, one.name),
    b: yield* sideOf(b, other.name),
    comparison: counter.result()
  }
  yield* Console.log(json ? yield* CompareReport.toJson(compared) : CompareReport.toText(compared))
  if (Option.isSome(report)) yield* StateReport.writeComparison(report.value, compared, texts)
}, OpenState.toExit)

const isOfJudge = ({ step }: { readonly step: string }) => step.split("/").includes(Score.judgeStep)

const sideOf = Effect.fnUntraced(function* (state: OpenState.JobInState, name: string) {
  const { done, failed, pending } = yield* state.counts
  const { all } = yield* state.totals
  const report = yield* Effect.provideContext(Report.of({ job: state.job }), state.client)
  const judgeCost = BigDecimal.sumAll(
    (report?.money.steps ?? []).filter(isOfJudge).flatMap(({ batch, direct }) => [batch.cost, direct.cost])
  )
  const answers = (report?.latency?.steps ?? []).find((step) => !isOfJudge(step))
  return {
    name,
    done,
    failed,
    pending,
    cost: BigDecimal.subtract(all.cost, judgeCost),
    judgeCost,
    unpriced: all.unpriced,
    latency: answers === undefined ? null : { p50: answers.duration.p50, p95: answers.duration.p95 },
    emulated: state.emulated
  }
})

/** Runs both candidates, each as a job of its own that resumes as `map` does, and compares them. */
const candidates = Effect.fnUntraced(function* (flags: CompareFlags, data: string) {
  if (Option.isNone(flags.output)) {
    return yield* refuse("the results have no place; name a file for them with --output results.jsonl")
  }
  const output = flags.output.value
  const [promptA = "", promptB = promptA] = flags.prompt
  const [modelA, modelB = modelA] = flags.model
  if (promptA === promptB && modelA === modelB) {
    return yield* refuse("both candidates are the same; give two different values for --prompt or --model")
  }
  const nameOf = (prompt: string, model: string | undefined) =>
    [promptA === promptB ? [] : [short(prompt)], modelA === modelB ? [] : [model ?? ""]].flat().join(", ")
  const side = (letter: string, prompt: string, model: string | undefined) => {
    const path = output.replace(/(\.[^/\\]*)?$/, (ending) => `-${letter}${ending}`)
    const name = Option.map(flags.name, (name) => `${name}-${letter}`)
    const own = { ...flags, data, prompt, model: Option.fromUndefinedOr(model), output: Option.some(path), name }
    return { own, path, name: nameOf(prompt, model) }
  }
  const sides = [side("a", promptA, modelA), side("b", promptB, modelB)] as const
  const [a, b] = yield* Effect.forEach(sides, ({ name, own, path }, index) =>
    Effect.gen(function* () {
      yield* Console.error(`${index === 0 ? "A" : "B"}: ${name}`)
      const job = yield* MapJob.load(own)
      yield* allowFailedRows(reportOnStderr(JobRun.run(own, Effect.succeed(job))))
      return { name, job: Option.some(job.name), state: Option.getOrElse(flags.state, () => OpenState.pathOf(path)) }
    })
  )
  // A dry run has shown both estimates.
  if (a === undefined || b === undefined || flags.dryRun) return
  yield* states([a, b], flags)
})

const short = (prompt: string): string => {
  const line = prompt.replaceAll(/\s+/g, " ")
  return line.length > 60 ? `${line.slice(0, 60)}…` : line
}

/** Stdout is for the comparison. */
const reportOnStderr = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Console.consoleWith((console) => Effect.provideService(effect, Console.Console, { ...console, log: console.error }))

/** Rows that failed are counted apart. Anything else that ends a run early would make the comparison one of other rows. */
const allowFailedRows = <A, R>(effect: Effect.Effect<A, ExitWith, R>) =>
  Effect.catchIf(
    effect,
    ({ code }) => code === 1,
    () => Effect.void
  )
