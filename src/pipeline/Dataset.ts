/**
 * Typed rows in and out of files. Rows stream through, so a file may be larger than memory; and a row that cannot be
 * read is an element like any other: it says what to fix, and never stops the rest. The format is NDJSON.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as ScopedRef from "effect/ScopedRef"
import * as Semaphore from "effect/Semaphore"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import * as Ndjson from "./Ndjson.ts"
import * as ResultLine from "./ResultLine.ts"

/** The endings of the files that are understood. */
const endings = [".ndjson", ".jsonl"]

/** Where a row stands: a line of a file, or a row of what is in memory; both are counted from 1. */
export const Place = Schema.Struct({
  source: Schema.String,
  unit: Schema.Literals(["line", "row"]),
  number: Schema.Int
})
export type Place = typeof Place.Type

/** A place in words: `tickets.ndjson line 12`. */
export const at = ({ source, unit, number }: Place): string => `${source} ${unit} ${number}`

/** A row that does not fit its schema, or cannot be read at all. */
export class RowInvalid extends Schema.TaggedError<RowInvalid>()("RowInvalid", {
  place: Place,
  /** Every field that is wrong, what it must be, and the first characters of what it is. */
  detail: Schema.String
}) {
  override get message() {
    return `${at(this.place)}: ${this.detail}; fix the ${this.place.unit} and run again: only it will run`
  }
}

/** A file that cannot be read or written as a whole. */
export class DatasetFailed extends Schema.TaggedError<DatasetFailed>()("DatasetFailed", {
  path: Schema.String,
  /** What is wrong, and what to do. */
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/** A row that fits its schema. */
export interface Valid<A> {
  readonly value: A
  readonly place: Place
}

/** What a dataset has for each of its rows. */
export type Row<A> = Result.Result<Valid<A>, RowInvalid>

/** Named rows of one schema, read anew each time that `rows` runs. */
export interface Dataset<out A, out E = DatasetFailed, out R = FileSystem.FileSystem> {
  readonly name: string
  /** The file that has the rows, where it is one. */
  readonly path?: string
  readonly schema: Schema.ConstraintDecoder<A, R>
  readonly rows: Stream.Stream<Row<A>, E, R>
}

/** The rows of an NDJSON file, `.ndjson` or `.jsonl`. */
export const fromFile = <A, R>(
  schema: Schema.ConstraintDecoder<A, R>,
  path: string
): Dataset<A, DatasetFailed, R | FileSystem.FileSystem> => {
  const placed = ({ number, value }: Ndjson.Line) => ({ place: { source: path, unit: "line" as const, number }, value })
  const lines = Stream.map(Ndjson.decode(bytesOf(path)), placed)
  return { name: path, path, schema, rows: rowsOf(ResultLine.decode(schema), lines) }
}

/**
 * The rows of an iterable of encoded values, such as an array or the data of a package. What can be walked through only
 * once comes as a function, such as a generator function.
 */
export const fromIterable = <A, R>(
  name: string,
  schema: Schema.ConstraintDecoder<A, R>,
  values: Iterable<unknown> | (() => Iterable<unknown>)
): Dataset<A, never, R> => {
  const stream = Stream.suspend(() => Stream.fromIterable(typeof values === "function" ? values() : values))
  const placed = (value: unknown, index: number) => ({
    place: { source: name, unit: "row" as const, number: index + 1 },
    value: Result.succeed(value)
  })
  const decode = Schema.decodeUnknownEffect(schema, { errors: "all", reportInput: true })
  return { name, schema, rows: rowsOf(decode, Stream.map(stream, placed)) }
}

/** The same kind of rows, out of another file. */
export const withFile = <A, E, R>(
  dataset: Dataset<A, E, R>,
  path: string
): Dataset<A, DatasetFailed, R | FileSystem.FileSystem> => fromFile(dataset.schema, path)

/** Fails where results would be written over the rows that they come from, by whatever name. */
export const keepApart = Effect.fn("Dataset.keepApart")(function* (
  { path }: Pick<Dataset<unknown>, "path">,
  output: string
) {
  if (path === undefined) return
  const [input, target] = yield* Effect.all([identityOf(path), identityOf(output)])
  if (input !== undefined && input === target) {
    return yield* new DatasetFailed({ path: output, detail: "this is the input; write the output to another file" })
  }
})

/** What only one file has, under all its names; nothing where there is no file yet. */
const identityOf = (path: string) =>
  FileSystem.FileSystem.use((fs) => fs.stat(path)).pipe(
    Effect.map(({ dev, ino }) => Option.getOrUndefined(Option.map(ino, (number) => `${dev}:${number}`))),
    Effect.orElseSucceed(() => undefined)
  )

/** Writes lines to a file. */
export interface Writer {
  /** The size of the file in bytes. */
  readonly size: Effect.Effect<number, DatasetFailed>
  /** Puts these lines in the place of what the file has: all of them, or on any failure none. */
  readonly replaceWith: <E, R>(lines: Stream.Stream<string, E, R>) => Effect.Effect<void, E | DatasetFailed, R>
  /** Adds one line, whole. Once this returns the line outlives the process. */
  readonly append: (line: string) => Effect.Effect<void, DatasetFailed>
}

/** Opens a file for lines; makes it and its folders if absent, so that what cannot be written fails at the start. */
export const writeLines = Effect.fn("Dataset.writeLines")(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const { dirname } = yield* Path.Path
  const failed = Effect.mapError((error: PlatformError) => failure(path, error))
  yield* checkEnding(path)
  yield* failed(makeFolder(dirname(path)))
  const open = failed(fs.open(path, { flag: "a" }))
  const file = yield* ScopedRef.fromAcquire(open)
  const one = Semaphore.makeUnsafe(1)
  const draft = `${path}.tmp`

  const size = Effect.flatMap(ScopedRef.get(file), (opened) =>
    failed(Effect.map(opened.stat, ({ size }) => Number(size)))
  )
  const replaceWith: Writer["replaceWith"] = (lines) =>
    lines.pipe(
      Stream.mapArray((chunk) => [Ndjson.encode(chunk)]),
      Stream.run(Sink.mapError(fs.sink(draft), (error) => failure(path, error))),
      Effect.onError(() => Effect.ignore(fs.remove(draft))),
      Effect.andThen(Effect.uninterruptible(Effect.andThen(failed(fs.rename(draft, path)), ScopedRef.set(file, open)))),
      one.withPermit
    )
  const append: Writer["append"] = (line) =>
    Effect.flatMap(ScopedRef.get(file), (opened) => failed(opened.writeAll(Ndjson.encode([line])))).pipe(
      Effect.uninterruptible,
      one.withPermit
    )
  return { size, replaceWith, append } satisfies Writer
})

/** Node's own recursive `mkdir` never returns where the system answers ENOENT, as it does under /proc. */
const makeFolder: (folder: string) => Effect.Effect<void, PlatformError, FileSystem.FileSystem | Path.Path> =
  Effect.fnUntraced(function* (folder) {
    const fs = yield* FileSystem.FileSystem
    const { dirname } = yield* Path.Path
    const isFolder = Effect.isSuccess(Effect.filterOrFail(fs.stat(folder), ({ type }) => type === "Directory"))
    if (yield* isFolder) return
    yield* makeFolder(dirname(folder))
    yield* Effect.catch(fs.makeDirectory(folder), (error) =>
      Effect.flatMap(isFolder, (exists) => (exists ? Effect.void : Effect.fail(error)))
    )
  })

const checkEnding = (path: string) => {
  const ending = /\.[^./\\]*$/.exec(path)?.[0] ?? ""
  if (endings.includes(ending.toLowerCase())) return Effect.void
  const detail = `"${ending}" is not understood; use a file that ends in ${endings.join(" or ")}`
  return Effect.fail(new DatasetFailed({ path, detail }))
}

const bytesOf = (path: string) =>
  Stream.unwrap(
    Effect.gen(function* () {
      yield* checkEnding(path)
      const fs = yield* FileSystem.FileSystem
      let isFirst = true
      return fs.stream(path, { chunkSize: 256 * 1024 }).pipe(
        Stream.mapError((error) => failure(path, error)),
        Stream.tap((chunk) => {
          const detail = isFirst ? Ndjson.problemOf(chunk) : undefined
          isFirst = false
          return detail === undefined ? Effect.void : Effect.fail(new DatasetFailed({ path, detail }))
        })
      )
    })
  )

const rowsOf = <A, R, E, R2>(
  decode: (value: unknown) => Effect.Effect<A, Schema.SchemaError, R>,
  values: Stream.Stream<{ readonly place: Place; readonly value: Result.Result<unknown, string> }, E, R2>
): Stream.Stream<Row<A>, E, R | R2> =>
  Stream.mapEffect(values, ({ place, value }) =>
    Effect.fromResult(value).pipe(
      Effect.flatMap((encoded) => Effect.mapError(decode(encoded), ({ issue }) => wordsOf(issue))),
      Effect.mapBoth({
        onSuccess: (decoded) => ({ value: decoded, place }),
        onFailure: (detail) => new RowInvalid({ place, detail })
      }),
      Effect.result
    )
  )

/** An issue in words, each field with its path: `"tags[0].name" must be a string, got 3`. */
const wordsOf = (issue: SchemaIssue.Issue): string =>
  formatIssue(issue)
    .issues.map(({ path = [], message }) => {
      const keys = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
      const field = keys.length === 0 ? "the row" : `"${keys.join("").replace(/^\./, "")}"`
      if (message === "Missing key") return `${field} is missing`
      const [, expected, got = ""] = /^Expected (.+?)(, got .*)?$/s.exec(message) ?? []
      if (expected === undefined) return `${field}: ${message}`
      const kinds = expected
        .replace(nonFinite, "number")
        .split(" | ")
        .map((kind) => articles.get(kind) ?? kind)
      return `${field} must be ${kinds.join(" or ")}${got.length > 70 ? `${got.slice(0, 69)}…` : got}`
    })
    .join("; ")

/** The JSON form of a number that JSON does not have. */
const nonFinite = '"Infinity" | "-Infinity" | "NaN"'

const articles = new Map([
  ["number", "a number"],
  ["string", "a string"],
  ["boolean", "a boolean"],
  ["array", "an array"],
  ["object", "an object"]
])

/** Says `an integer` also of what is no number at all, where Effect says `number`. */
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    const message = SchemaIssue.defaultLeafHook(issue)
    const checks = Predicate.isTagged(issue, "InvalidType") ? (issue.ast.checks ?? []) : []
    const integer = checks.some(({ annotations }) => annotations?.["expected"] === "an integer")
    return integer ? message.replace(/^Expected number/, "Expected an integer") : message
  }
})

const failure = (path: string, { reason }: PlatformError) => {
  const code = Predicate.hasProperty(reason.cause, "code") ? String(reason.cause.code) : ""
  return new DatasetFailed({ path, detail: `${remedies[code] ?? reason.message}, or use another file` })
}

/** By the code of the system. */
const remedies: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file; check the path",
  EISDIR: "this is a folder; name a file in it",
  ENOTDIR: "there is a file where a folder should be; check the path",
  EEXIST: "there is a file where a folder should be; check the path",
  EACCES: "you may not open this file; change its permissions",
  EPERM: "you may not open this file; change its permissions",
  ESPIPE: "this is a pipe, and rows are read twice; put them into a file",
  EROFS: "the disk is read-only; make it writable",
  ENOSPC: "there is no space left on the disk; make room and run again"
}
