/**
 * Typed rows in and out of NDJSON files. Rows stream, so a file may be larger than memory. A row that cannot be read is an
 * element of the stream too: it says what to fix, and the other rows follow.
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
import * as Redact from "../claude/Redact.ts"
import * as Ndjson from "./Ndjson.ts"
import * as Page from "./Page.ts"
import * as ResultLine from "./ResultLine.ts"

/** The supported file endings. */
const endings = [".ndjson", ".jsonl"]

/** The place of a row: a line of a file, or an element of an iterable. Both are counted from 1. */
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
  /** Every wrong field: what it must be, and the first characters of its value, without secrets. */
  detail: Schema.String
}) {
  override get message() {
    return `${at(this.place)}: ${this.detail}; fix the ${this.place.unit} or the schema of rows, and run again`
  }
}

/** A file that cannot be read or written as a whole. */
export class DatasetFailed extends Schema.TaggedError<DatasetFailed>()("DatasetFailed", {
  path: Schema.String,
  /** What went wrong, and what to do. */
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/** A row that fits its schema. */
export interface Valid<A> {
  readonly value: A
  /** As the input has it. */
  readonly encoded: unknown
  readonly place: Place
}

/** A row, or the reason that it cannot be read. */
export type Row<A> = Result.Result<Valid<A>, RowInvalid>

/** Named rows of one schema. Each run of `rows` and of `pages` reads them again. */
export interface Dataset<out A, out E = DatasetFailed, out R = FileSystem.FileSystem> {
  readonly name: string
  /** The file, if the rows come from one. */
  readonly path?: string
  readonly schema: Schema.ConstraintDecoder<A, R>
  readonly rows: Stream.Stream<Row<A>, E, R>
  readonly pages: Stream.Stream<Page.Page<A, R>, E, R>
}

/**
 * The rows of an NDJSON file, `.ndjson` or `.jsonl`, in the JSON form of the schema: a date is a text. The output of a job
 * can be read with the schema of its results.
 */
export const fromFile = <A, R>(
  schema: Schema.ConstraintDecoder<A, R>,
  path: string
): Dataset<A, DatasetFailed, R | FileSystem.FileSystem> => {
  const decode = ResultLine.decode(schema)
  const pageOf = ({ bytes, lines }: Ndjson.Piece) => {
    const place = (index: number): Place => ({ source: path, unit: "line", number: lines[index]?.number ?? 0 })
    const decodeLine = (index: number) => rowOf(decode, place(index), Ndjson.parse(lines[index] ?? missing))
    return { size: lines.length, decode: decodeLine, place, bytes }
  }
  return make<A, DatasetFailed, R | FileSystem.FileSystem>(
    { name: path, path, schema },
    Stream.map(Ndjson.split(bytesOf(path)), pageOf)
  )
}

const missing: Ndjson.Line = { number: 0, bytes: new Uint8Array() }

/**
 * The rows of an iterable of encoded values, such as an array. An iterable that can be iterated only once, such as a
 * generator, must come as a function that makes it: a job reads its rows twice.
 */
export const fromIterable = <A, R>(
  name: string,
  schema: Schema.ConstraintDecoder<A, R>,
  values: Iterable<unknown> | (() => Iterable<unknown>)
): Dataset<A, never, R> => {
  const decode = Schema.decodeUnknownEffect(schema, { errors: "all", reportInput: true })
  const pageOf = (values: ReadonlyArray<unknown>, page: number) => {
    const place = (index: number): Place => ({ source: name, unit: "row", number: page * pageSize + index + 1 })
    const decodeValue = (index: number) => rowOf(decode, place(index), Result.succeed(values[index]))
    return { size: values.length, decode: decodeValue, place, bytes: undefined }
  }
  const all = Stream.suspend(() => Stream.fromIterable(typeof values === "function" ? values() : values))
  return make({ name, schema }, Stream.map(Stream.grouped(all, pageSize), pageOf))
}

/** Values of an iterable that make a page. */
const pageSize = 256

const make = <A, E, R>(
  named: Pick<Dataset<A, E, R>, "name" | "path" | "schema">,
  pages: Stream.Stream<Page.Page<A, R>, E, R>
): Dataset<A, E, R> => ({
  ...named,
  rows: Stream.flatMap(pages, (page) => Stream.fromIterableEffect(Page.decode(page))),
  pages
})

/** A dataset of the same schema that reads another file. */
export const withFile = <A, E, R>(
  dataset: Dataset<A, E, R>,
  path: string
): Dataset<A, DatasetFailed, R | FileSystem.FileSystem> => fromFile(dataset.schema, path)

/** Fails if the output is the file of the dataset, also under another name. */
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

/** Identifies a file under all its names; undefined if it does not exist. */
const identityOf = (path: string) =>
  FileSystem.FileSystem.use((fs) => fs.stat(path)).pipe(
    Effect.map(({ dev, ino }) => Option.getOrUndefined(Option.map(ino, (number) => `${dev}:${number}`))),
    Effect.orElseSucceed(() => undefined)
  )

/** Writes lines to a file. */
export interface Writer {
  /** The size of the file in bytes. */
  readonly size: Effect.Effect<number, DatasetFailed>
  /** Replaces the content of the file with these lines. If that fails, the file stays as it was. */
  readonly replaceWith: <E, R>(lines: Stream.Stream<string, E, R>) => Effect.Effect<void, E | DatasetFailed, R>
  /** Appends whole lines with one write. Once this returns, they survive the process. */
  readonly append: (lines: ReadonlyArray<string>) => Effect.Effect<void, DatasetFailed>
}

/** Opens a file for lines, and creates it and its folders, so that a path that cannot be written fails at the start. */
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
  const append: Writer["append"] = (lines) =>
    Effect.flatMap(ScopedRef.get(file), (opened) => failed(opened.writeAll(Ndjson.encode(lines)))).pipe(
      Effect.uninterruptible,
      one.withPermit
    )
  return { size, replaceWith, append } satisfies Writer
})

/** Creates a folder and its parents. Node's recursive `mkdir` never returns where the system answers ENOENT (/proc). */
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
  const detail = `"${ending}" is not supported; use a file that ends in ${endings.join(" or ")}`
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

/** Decodes a value. It takes no step of a fiber unless the schema does, since inputs have millions of rows. */
const rowOf = <A, R>(
  decode: (value: unknown) => Effect.Effect<A, Schema.SchemaError, R>,
  place: Place,
  encoded: Result.Result<unknown, string>
): Effect.Effect<Row<A>, never, R> => {
  const refuse = (detail: string): Row<A> => Result.fail(new RowInvalid({ place, detail: Redact.redact(detail) }))
  if (Result.isFailure(encoded)) return Effect.succeed(refuse(encoded.failure))
  return Effect.matchEager(decode(encoded.success), {
    onSuccess: (value): Row<A> => Result.succeed({ value, encoded: encoded.success, place }),
    onFailure: ({ issue }) => refuse(describe(issue))
  })
}

/** Describes an issue, each field with its path: `"tags[0].name" must be a string, got 3`. */
const describe = (issue: SchemaIssue.Issue): string =>
  formatIssue(issue)
    .issues.map(({ path = [], message }) => {
      const keys = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
      const field = keys.length === 0 ? "the row" : `"${keys.join("").replace(/^\./, "")}"`
      if (message === "Missing key") return `${field} is missing`
      const [, expected, got = ""] = /^Expected (.+?)(, got .*)?$/s.exec(message) ?? []
      if (expected === undefined) return `${field}: ${message}`
      const kinds = expected.replace(nonFinite, "number").match(member) ?? []
      const required = kinds.map((kind) => articles.get(kind.trim()) ?? kind.trim()).join(" or ")
      // Before it is cut: a part of a secret may have no recognizable form.
      const value = Redact.redact(got)
      return `${field} must be ${required}${value.length > 70 ? `${value.slice(0, 69)}…` : value}`
    })
    .join("; ")

/** A member of a union. A literal in quotes may have a bar. */
const member = /(?:"(?:\\.|[^"\\])*"|[^"|])+/g

/** The JSON form of a number that JSON does not have. */
const nonFinite = '"Infinity" | "-Infinity" | "NaN"'

const articles = new Map([
  ["number", "a number"],
  ["string", "a string"],
  ["boolean", "a boolean"],
  ["array", "an array"],
  ["object", "an object"]
])

/** Asks for an integer also where the value is no number at all. Effect asks for a number there. */
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

/** By the error code of the system. */
const remedies: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file; check the path",
  EISDIR: "this is a folder; use a file in it",
  ENOTDIR: "there is a file where a folder should be; check the path",
  EEXIST: "there is a file where a folder should be; check the path",
  EACCES: "access is denied; change the permissions of the file",
  EPERM: "access is denied; change the permissions of the file",
  ESPIPE: "this is a pipe, and rows are read twice; save them in a file",
  EROFS: "the disk is read-only; make it writable",
  ENOSPC: "there is no space left on the disk; make room and run again"
}
