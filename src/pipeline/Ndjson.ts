/**
 * NDJSON, also called JSON Lines: one JSON value a line. Blank lines are skipped and counted. CRLF, a BOM and a last line
 * without an end are accepted. It works on bytes, so a line in another encoding is found and does not affect the others.
 */
import * as Bytes from "effect/Bytes"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"

/** The length in bytes of the longest row, which is that of the longest request to Claude. */
const longest = 32_000_000

/** A line that is not blank: its number, counted from 1, and its value, or the reason that it has none. */
export interface Line {
  readonly number: number
  readonly value: Result.Result<unknown, string>
}

/**
 * What is wrong with a file as a whole, by its first bytes: undefined where it may be NDJSON. Without this check, every
 * line of such a file is reported as broken.
 */
export const problemOf = (start: Uint8Array): string | undefined => {
  if (isUtf16(start)) return "this is UTF-16; save it as UTF-8"
  const text = new TextDecoder().decode(start).trimStart()
  const [line = ""] = text.split("\n", 1)
  const isOpen = line !== text && Result.isFailure(Result.try((): unknown => JSON.parse(line)))
  if (isOpen && /^(\[|\{\s*$)/.test(line)) {
    return "this is JSON over several lines; write one value a line, with jq -c '.[]' for an array and jq -c . otherwise"
  }
  if (line === text && /\r./.test(line)) return "its lines end in CR; end them in LF"
  return undefined
}

const isUtf16 = ([first, second]: Uint8Array) =>
  (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)

/** The lines in the bytes of a file, however they are cut into chunks. */
export const decode = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Line, E, R> =>
  bytes.pipe(
    Stream.mapAccum(makeCutter, (cutter, chunk) => [cutter, cutter.add(chunk)], { onHalt: (cutter) => cutter.end() }),
    Stream.map((line, index) => parse(line, index)),
    Stream.filter(Predicate.isNotUndefined)
  )

/** Lines, such as JSON texts, as the bytes of a file. */
export const encode = (lines: ReadonlyArray<string>): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""))

/** Cuts bytes at LF, a byte that no other character of UTF-8 contains. A line that is too long becomes `undefined`. */
const makeCutter = () => {
  let pieces: Array<Uint8Array> = []
  let length = 0
  const keep = (piece: Uint8Array) => {
    length += piece.length
    if (length > longest) pieces = []
    else pieces.push(piece)
  }
  const cut = () => {
    const line = length > longest ? undefined : Bytes.concat(pieces)
    pieces = []
    length = 0
    return line
  }
  const add = (chunk: Uint8Array) => {
    const lines: Array<Uint8Array | undefined> = []
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      keep(chunk.subarray(start, end))
      lines.push(cut())
      start = end + 1
    }
    keep(chunk.subarray(start))
    return lines
  }
  return { add, end: () => (length === 0 ? [] : [cut()]) }
}

const lineFeed = 10

const parse = (bytes: Uint8Array | undefined, index: number): Line | undefined => {
  const number = index + 1
  if (bytes === undefined) return { number, value: Result.fail(`longer than ${longest / 1e6} MB, a request's limit`) }
  const text = Result.try(() => utf8.decode(bytes))
  if (Result.isFailure(text)) return { number, value: Result.fail("not UTF-8") }
  if (text.success.trim() === "") return undefined
  return {
    number,
    // Schema's parser of JSON does not report the position of an error.
    value: Result.flatMap(
      Result.try({ try: (): unknown => JSON.parse(text.success), catch: (error) => `not JSON: ${reasonOf(error)}` }),
      (value) => {
        const inexact = inexactIn(text.success)
        if (inexact === undefined) return Result.succeed(value)
        return Result.fail(`the number ${inexact} cannot be read exactly; write it as a text: "${inexact}"`)
      }
    )
  }
}

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
