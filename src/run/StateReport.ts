/**
 * Writes the report of a job as an HTML page, or prints it as JSON. The job may run meanwhile. A comparison is such a page, too.
 */
import { existsSync } from "node:fs"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Report from "../pipeline/Report.ts"
import type { Compared } from "./CompareReport.ts"
import { ExitWith } from "./ExitWith.ts"
import * as OpenState from "./OpenState.ts"
import * as Postgres from "./Postgres.ts"
import type { ReportFlags } from "./ReportFlags.ts"

/** Reads the state, and writes what the flags ask for. */
export const write = Effect.fnUntraced(function* ({ json, output, texts, ...given }: ReportFlags) {
  const report = yield* read(given, texts)
  const path = Option.getOrElse(output, () => pathOf(given.state, report))
  if (json) {
    const text = yield* Effect.orDie(Report.encodeJson(report))
    return yield* Option.isSome(output) ? save(path, text) : Console.log(text)
  }
  // The page needs the library of the charts, which JSON does not.
  const Page = yield* Effect.promise(() => import("./stateReport/Page.ts"))
  yield* save(path, Page.draw(report))
})

const read = (given: Parameters<typeof OpenState.one>[0], texts: boolean) =>
  Effect.gen(function* () {
    const { client, job, path } = yield* OpenState.one(given)
    const report = yield* Effect.provideContext(Report.of({ job, texts }), client)
    return report ?? (yield* Effect.fail(new ExitWith(2, `${path} holds no job "${job}"`)))
  }).pipe(Effect.scoped, OpenState.toExit)

/**
 * The page next to the results: `results.report.html` for `results.jsonl` and `results.state.sqlite`. A database knows the
 * output of the last run, which may be on another machine, or in another folder: then the page is here.
 */
const pathOf = (state: string, { job, runs }: Report.Report): string => {
  if (!Postgres.isAddress(state)) return pageOf(state.replace(/\.\w+$/, "").replace(/\.state$/, ""))
  const output = runs.at(-1)?.settings.output
  return output !== undefined && existsSync(output)
    ? pageOf(output.replace(/\.\w+(?:\.(?:gz|zst))?$/i, ""))
    : pageOf(job.replaceAll(/[^\w.-]+/g, "-"))
}

const pageOf = (name: string) => `${name}.report.html`

/** Writes a comparison as an HTML page. */
export const writeComparison = Effect.fnUntraced(function* (path: string, compared: Compared, texts: boolean) {
  const Page = yield* Effect.promise(() => import("./stateReport/ComparisonPage.ts"))
  const made = DateTime.formatIso(yield* DateTime.now)
  yield* replace(path, Page.draw(compared, { made, texts }))
  // Stdout is for the comparison itself.
  yield* Console.error(`report: ${path}`)
})

const save = Effect.fnUntraced(function* (path: string, text: string) {
  yield* replace(path, text)
  yield* Console.log(`report: ${path}`)
})

/** A reader of the page sees the earlier one or the new one, never a part. */
const replace = Effect.fnUntraced(function* (path: string, text: string) {
  const fs = yield* FileSystem.FileSystem
  const part = `${path}.part`
  yield* Effect.andThen(fs.writeFileString(part, text), fs.rename(part, path)).pipe(
    Effect.mapError(({ message }) => new ExitWith(2, `the report cannot be written: ${message}`))
  )
})
