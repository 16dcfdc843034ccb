/**
 * Writes the results of a job, and its failures, from its state into files of any format that an output may have. A run
 * of the job may be on: the files then hold what is stored at that moment.
 */
import { resolve } from "node:path"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Dataset from "../pipeline/Dataset.ts"
import type { JournalFailed } from "../pipeline/Journal.ts"
import * as Progress from "../pipeline/Progress.ts"
import * as RowFailure from "../pipeline/RowFailure.ts"
import { ExitWith } from "./ExitWith.ts"
import * as Log from "./Log.ts"
import * as NodeCompression from "./NodeCompression.ts"
import * as OpenState from "./OpenState.ts"
import type { StateFlags } from "./StateFlags.ts"
import * as Where from "./Where.ts"

export interface ExportFlags extends StateFlags {
  readonly output: Option.Option<string>
  readonly failures: Option.Option<string>
  readonly where: Option.Option<string>
}

/** Writes the files that the flags name, in input order, and prints how many rows they have. */
export const write = Effect.fnUntraced(
  function* ({ failures, output, where, ...flags }: ExportFlags) {
    if (Option.isNone(output) && Option.isNone(failures)) {
      return yield* Effect.fail(new ExitWith(2, "name a file: --output results.csv, --failures failed.csv, or both"))
    }
    const job = yield* OpenState.one(flags)
    const isWanted = yield* Option.match(where, {
      onNone: () => Effect.succeed(() => true),
      onSome: (text) =>
        Effect.map(Where.parse(text, Schema.Unknown), (isWanted) => (line: unknown) => isWanted(line, line))
    })
    const select = <E, R>(lines: Stream.Stream<string, E, R>) =>
      Option.isNone(where) ? lines : Stream.filterEffect(lines, (line) => Effect.map(decode(line), isWanted))
    if (Option.isSome(output)) {
      const isLive = OpenState.pathOf(output.value) === job.path && (yield* job.openIn) !== undefined
      if (isLive) {
        return yield* Effect.fail(
          new ExitWith(2, `${output.value} is the output of the run that is on: name another file`)
        )
      }
      yield* writeTo(output.value, select(job.outputs), ["row", "rows"], { files: filesOf(job) })
    }
    if (Option.isSome(failures)) {
      const lines = Stream.mapEffect(job.failures, RowFailure.toLine)
      yield* writeTo(failures.value, select(lines), ["failed row", "failed rows"], { results: RowFailure.Failure })
    }
  },
  Effect.scoped,
  Effect.provide([NodeCompression.layer, Log.layer]),
  (effect) => OpenState.toExit(effect)
)

/** The input and the output of the last run, whose columns may have types. */
const filesOf = ({ command, settings: { input, output } }: OpenState.JobInState) =>
  [input, output].flatMap((path) => (path === undefined ? [] : [resolve(command?.folder ?? "", path)]))

const decode = Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))

const writeTo = Effect.fnUntraced(function* <R>(
  path: string,
  lines: Stream.Stream<string, JournalFailed | Schema.SchemaError, R>,
  [one, more]: readonly [string, string],
  known: Parameters<typeof Dataset.write>[2]
) {
  let rows = 0
  // A format with columns reads the lines twice.
  const counted = Stream.suspend(() => {
    rows = 0
    return Stream.tap(lines, () => Effect.sync(() => void (rows += 1)))
  })
  yield* Dataset.write(path, counted, known)
  yield* Console.log(`${path}: ${Progress.counted(rows, one, more)}`)
})
