/**
 * JSON: one array, whose elements are the rows. Effect's parser reads it element by element, also where the array is one
 * line, so memory does not grow with the file.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Parser from "effect/encoding/JsonArray"
import { DatasetFailed } from "./DatasetFailed.ts"
import { type EncodedPage, type Format, type InputFile, longestRow } from "./Format.ts"
import * as Head from "./Head.ts"
import * as JsonArrayText from "./JsonArrayText.ts"
import * as Ndjson from "./Ndjson.ts"
import * as Parsed from "./Parsed.ts"
import * as Utf8 from "./Utf8.ts"
import type { Place } from "./Place.ts"

const read = (file: InputFile, head: Uint8Array) => {
  const fail = (detail: string) => new DatasetFailed({ path: file.path, detail })
  const problem = Head.problemOf(head) ?? problemOf(new TextDecoder().decode(head))
  if (problem !== undefined) return Stream.fail(fail(problem))
  const parser = Parser.decodeString<DatasetFailed, unknown>({ maxElementSize: longestRow })
  const refuse = (error: Parser.JsonArrayError) =>
    Effect.flatMap(placeOf(file, error.offset ?? 0), (place) => Effect.fail(fail(explain(error, place))))
  const pieces = Parsed.pieces(file, (texts) =>
    Stream.catch(Stream.pipeThroughChannel(texts, parser), (error) =>
      error._tag === "JsonArrayError" ? Stream.fromEffect(refuse(error)) : Stream.fail(error)
    )
  )
  return Stream.mapAccum(
    pieces,
    () => 0,
    (first, piece) => [first + piece.rows.length, [pageOf(file.path, first, piece)]]
  )
}

export const format: Format = {
  endings: [".json"],
  values: "json",
  read: (file) => Stream.unwrap(Effect.map(Head.of(file), (head) => read(file, head))),
  write: (lines) => JsonArrayText.encode(lines)
}

const problemOf = (start: string): string | undefined => {
  const text = start.trimStart()
  if (text === "") return "it is empty; write a JSON array of rows"
  if (text.startsWith("[")) return undefined
  const [line = ""] = text.split("\n", 1)
  const isWhole = Result.isSuccess(Result.try((): unknown => JSON.parse(line)))
  if (isWhole && line !== text.trimEnd()) return "this is one JSON value a line; rename it to end in .jsonl"
  if (!text.startsWith("{")) return "this is no JSON array; write its rows as one: [ …, … ]"
  const [, name = "rows"] = /"(\w+)"\s*:\s*\[/.exec(text) ?? []
  return `this is an object, not an array of rows; write its array to a file, such as with jq .${name}`
}

const explain = ({ kind, message }: Parser.JsonArrayError, place: string): string =>
  kind === "Limit"
    ? `${place}: a row is longer than ${longestRow / 1e6} MB, a request's limit, or too deep; correct the file`
    : `${place}: not JSON: ${message}; correct the file`

/** A position in words. It reads the file once more, up to there. */
const placeOf = (file: InputFile, offset: number) => {
  const { add } = Utf8.decoder()
  let line = 1
  let column = 1
  let left = offset
  const count = (text: string) => {
    const before = text.slice(0, left)
    left -= before.length
    line += before.match(/\n/g)?.length ?? 0
    const start = before.lastIndexOf("\n")
    column = start === -1 ? column + before.length : before.length - start
  }
  return file.bytes.pipe(
    Stream.map((chunk) => add(chunk).text.replace(/^\uFEFF/, "")),
    Stream.tap((text) => Effect.sync(() => count(text))),
    Stream.takeUntil(() => left <= 0),
    Stream.runDrain,
    Effect.map(() => `line ${line}, column ${column}`)
  )
}

const pageOf = (path: string, first: number, { bytes, rows, texts }: Parsed.Piece<unknown>): EncodedPage => {
  const isBroken = texts.some(({ isBroken }) => isBroken)
  const text = texts.map(({ text }) => text)
  const hasLong = text.some((text) => /\d{16}/.test(text)) || /\d{16}/.test(text.map(edges).join(""))
  let inexact: ReadonlyMap<number, string> | undefined
  const value = (index: number): Result.Result<unknown, string> => {
    const row = rows[index]
    if (isBroken && JSON.stringify(row).includes("\uFFFD")) return Result.fail("not UTF-8; save the file as UTF-8")
    const number = hasLong ? largeIn(row, (number) => (inexact ??= inexactIn(text.join(""))).has(number)) : undefined
    const source = number === undefined ? undefined : inexact?.get(number)
    return source === undefined ? Result.succeed(row) : Result.fail(Ndjson.inexact(source))
  }
  const place = (index: number): Place => ({ source: path, unit: "row", number: first + index + 1 })
  return { size: rows.length, value, place, raw: (index) => rows[index], bytes }
}

/** The digits of a number may be in two texts. */
const edges = (text: string) => `${text.slice(0, 16)} ${text.slice(-16)}`

/**
 * The whole numbers of a text that JavaScript reads as another number, by what it reads. The parser has read the numbers
 * already, so the text tells which of them were others.
 */
const inexactIn = (text: string): ReadonlyMap<number, string> => {
  const found = new Map<number, string>()
  for (const [source] of text.matchAll(/(?<![\d.eE+])-?\d{16,}(?![\d.eE])/g)) {
    const number = Number(source)
    // A number that JavaScript has written is read as it was.
    if (String(number) === source) continue
    if (!Number.isFinite(number) || BigInt(source) !== BigInt(number)) found.set(number, source)
  }
  return found
}

/** A number beyond the exact ones in a value. */
const largeIn = (value: unknown, isWanted: (number: number) => boolean): number | undefined => {
  if (Predicate.isNumber(value)) return Math.abs(value) > Number.MAX_SAFE_INTEGER && isWanted(value) ? value : undefined
  if (!Predicate.isObjectOrArray(value)) return undefined
  for (const part of Object.values(value)) {
    const found = largeIn(part, isWanted)
    if (found !== undefined) return found
  }
  return undefined
}
