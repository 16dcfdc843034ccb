/**
 * NDJSON, also called JSON Lines: one JSON value a line. Blank lines are skipped, but counted; CRLF, a BOM and a last
 * line without an end are fine. Works on bytes, so that a line in another encoding is found, and does not harm others.
 */
import * as Bytes from "effect/Bytes"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"

/** A longer line is no row: a request to Claude has at most 32 MB. */
const longest = 32_000_000

/** A line that is not blank: its number, counted from 1, and its value, or why it has none. */
export interface Line {
  readonly number: number
  readonly value: Result.Result<unknown, string>
}

/** The lines in the bytes of a file, however those are cut into chunks. */
export const decode = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Line, E, R> =>
  bytes.pipe(
    Stream.mapAccum(makeCutter, (cutter, chunk) => [cutter, cutter.add(chunk)], { onHalt: (cutter) => cutter.end() }),
    Stream.map((line, index) => parse(line, index)),
    Stream.filter(Predicate.isNotUndefined)
  )

/** Lines, such as JSON texts, as the bytes of a file. */
export const encode = (lines: ReadonlyArray<string>): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""))

/** Cuts bytes at LF, which is in no other character of UTF-8. A line that is too long is dropped: `undefined`. */
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
    // Schema's parser of JSON does not say what is wrong.
    value: Result.try({ try: () => JSON.parse(text.success), catch: (error) => `not JSON: ${wordsOf(error)}` })
  }
}

/** Drops a BOM at the start, as decoders do. */
const utf8 = new TextDecoder("utf-8", { fatal: true })

/** V8 says where, and counts the lines in what is one line. */
const wordsOf = (error: unknown) =>
  String(error instanceof Error ? error.message : error).replace(
    /( in JSON)? at position .* column (\d+)\)$/,
    " at column $2"
  )
