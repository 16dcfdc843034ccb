/**
 * NDJSON, also called JSON Lines: one JSON value a line. Blank lines are skipped and counted. CRLF, a BOM and a last line
 * without an end are accepted. It works on bytes, so a line in another encoding is found and does not affect the others.
 */
import * as Bytes from "effect/Bytes"
import * as Result from "effect/Result"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { DatasetFailed } from "./DatasetFailed.ts"
import { type EncodedPage, type Format, type InputFile, longestRow } from "./Format.ts"
import * as Head from "./Head.ts"
import type { Place } from "./Place.ts"

/** A line that is not blank. `bytes` is undefined if it is longer than the longest request. */
export interface Line {
  /** Counted from 1. Blank lines count. */
  readonly number: number
  readonly bytes: Uint8Array | undefined
}

/** A piece of a file, and the lines that end in it. */
export interface Piece {
  readonly bytes: Uint8Array
  readonly lines: ReadonlyArray<Line>
}

const read = ({ bytes, path }: InputFile) => {
  let isFirst = true
  const checked = Stream.tap(bytes, (chunk) => {
    const detail = isFirst ? problemOf(chunk) : undefined
    isFirst = false
    return detail === undefined ? Effect.void : Effect.fail(new DatasetFailed({ path, detail }))
  })
  return Stream.map(split(checked), ({ bytes, lines }): EncodedPage => {
    const line = (index: number) => lines[index] ?? missing
    return {
      size: lines.length,
      value: (index) => parse(line(index)),
      place: (index): Place => ({ source: path, unit: "line", number: line(index).number }),
      raw: (index) => Result.getOrUndefined(textOf(line(index).bytes ?? empty)),
      bytes
    }
  })
}

const missing: Line = { number: 0, bytes: new Uint8Array() }

const write: Format["write"] = (lines) => Stream.mapArray(lines, (chunk) => [encode(chunk)])

export const format: Format = {
  endings: [".ndjson", ".jsonl"],
  values: "json",
  read: (file) => Stream.suspend(() => read(file)),
  write
}

/**
 * What is wrong with a file as a whole, by its first bytes: undefined where it may be NDJSON. Without this check, every
 * line of such a file is reported as broken.
 */
export const problemOf = (start: Uint8Array): string | undefined => {
  const problem = Head.problemOf(start)
  if (problem !== undefined) return problem
  const text = new TextDecoder().decode(start).trimStart()
  const [line = ""] = text.split("\n", 1)
  const isOpen = line !== text && Result.isFailure(Result.try((): unknown => JSON.parse(line)))
  if (isOpen && /^(\[|\{\s*$)/.test(line)) {
    return "this is JSON over several lines; write one value a line, with jq -c '.[]' for an array and jq -c . otherwise"
  }
  if (line === text && /\r./.test(line)) return "its lines end in CR; end them in LF"
  return undefined
}

/** Cuts the bytes of a file into lines, however they are cut into pieces. The last piece has no bytes. */
export const split = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Piece, E, R> =>
  Stream.mapAccum(bytes, makeCutter, (cutter, chunk) => [cutter, [{ bytes: chunk, lines: cutter.add(chunk) }]], {
    onHalt: (cutter) => [{ bytes: new Uint8Array(), lines: cutter.end() }]
  })

/** Lines, such as JSON texts, as the bytes of a file. */
export const encode = (lines: ReadonlyArray<string>): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""))

/** Cuts bytes at LF, a byte that no other character of UTF-8 contains. */
const makeCutter = () => {
  let number = 0
  let pieces: Array<Uint8Array> = []
  let length = 0
  const keep = (piece: Uint8Array) => {
    length += piece.length
    if (length > longestRow) pieces = []
    else pieces.push(piece)
  }
  const cutInto = (lines: Array<Line>) => {
    const [only = empty] = pieces
    const bytes = length > longestRow ? undefined : pieces.length > 1 ? Bytes.concat(pieces) : only
    number += 1
    if (bytes === undefined || !isBlank(bytes)) lines.push({ number, bytes })
    pieces = []
    length = 0
  }
  const add = (chunk: Uint8Array) => {
    const lines: Array<Line> = []
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      keep(chunk.subarray(start, end))
      cutInto(lines)
      start = end + 1
    }
    if (start < chunk.length) keep(chunk.subarray(start))
    return lines
  }
  const end = () => {
    const lines: Array<Line> = []
    if (length > 0) cutInto(lines)
    return lines
  }
  return { add, end }
}

const empty = new Uint8Array()

/** Whether a line has only white space. The first byte of most lines shows that it has not. */
const isBlank = (bytes: Uint8Array): boolean => {
  const byte = bytes.find(isNotSpace)
  if (byte === undefined || byte < 0x80) return byte === undefined
  return Result.match(textOf(bytes), { onFailure: () => false, onSuccess: (text) => text.trim() === "" })
}

const isNotSpace = (byte: number) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d)

const lineFeed = 10

/** The value of a line, or the reason that it has none. */
export const parse = ({ bytes }: Line): Result.Result<unknown, string> => {
  if (bytes === undefined) return Result.fail(`longer than ${longestRow / 1e6} MB, a request's limit`)
  return Result.flatMap(textOf(bytes), (text) =>
    // Schema's parser of JSON does not report the position of an error.
    Result.flatMap(
      Result.try({ try: (): unknown => JSON.parse(text), catch: (error) => `not JSON: ${reasonOf(error)}` }),
      (value) => {
        const number = inexactIn(text)
        return number === undefined ? Result.succeed(value) : Result.fail(inexact(number))
      }
    )
  )
}

/** The problem of a number that JavaScript would read as another one. */
export const inexact = (number: string) =>
  `the number ${number} cannot be read exactly; write it as a text: "${number}"`

const textOf = (bytes: Uint8Array) => Result.try({ try: () => utf8.decode(bytes), catch: () => "not UTF-8" })

/**
 * The first whole number that JavaScript would read as another number, such as 9007199254740993 as 9007199254740992. Two
 * rows whose ids differ in the last digit would become one. A number that JavaScript has written is read as it was.
 */
const inexactIn = (text: string): string | undefined => {
  if (!/\d{16}/.test(text)) return undefined
  let inexact: string | undefined
  JSON.parse(text, (_key, value: unknown, { source = "" }: { readonly source?: string } = {}) => {
    const isWhole = typeof value === "number" && /^-?\d+$/.test(source) && String(value) !== source
    if (isWhole && (!Number.isFinite(value) || BigInt(source) !== BigInt(value))) inexact ??= source
    return value
  })
  return inexact
}

/** Removes a BOM at the start, as decoders do. */
const utf8 = new TextDecoder("utf-8", { fatal: true })

/** The message of V8, with the column only: the line number would always be 1. */
const reasonOf = (error: unknown) =>
  String(error instanceof Error ? error.message : error).replace(
    /( in JSON)? at position .* column (\d+)\)$/,
    " at column $2"
  )
