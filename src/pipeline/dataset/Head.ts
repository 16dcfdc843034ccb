/**
 * What the first bytes of a file say about it. A file that is no text at all would give an error for each of its lines.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Bytes from "effect/Bytes"
import type { InputFile } from "./Format.ts"

/** The first bytes of a file, 64 KB or all. */
export const of = (file: InputFile) =>
  file.bytes.pipe(
    Stream.scan(
      () => new Uint8Array(),
      (head: Uint8Array, chunk) => (head.length === 0 ? chunk : Bytes.concat([head, chunk]))
    ),
    Stream.takeUntil((head) => head.length >= size),
    Stream.runLast,
    Effect.map((last) => Option.getOrElse(last, () => new Uint8Array()).subarray(0, size))
  )

const size = 64 * 1024

/** Why a file is no text in UTF-8, and what to do; undefined where it may be one. */
export const problemOf = (head: Uint8Array): string | undefined => {
  const [first, second] = head
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return utf16
  for (const { bytes, problem } of binaries) {
    if (bytes.every((byte, index) => head[index] === byte)) return problem
  }
  // Most letters have a byte 0 there.
  const start = head.subarray(0, 1024)
  return start.filter((byte) => byte === 0).length > start.length / 4 && head.length > 3 ? utf16 : undefined
}

const utf16 = "this is UTF-16; save it as UTF-8"

const binaries = [
  { bytes: [0x1f, 0x8b], problem: "this is compressed with gzip; rename it to end in .gz" },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], problem: "this is compressed with zstd; rename it to end in .zst" },
  {
    bytes: [0x50, 0x4b, 3, 4],
    problem: "this is a zip file or a spreadsheet; unpack it, or save the sheet as CSV (UTF-8)"
  },
  { bytes: [0x50, 0x41, 0x52, 0x31], problem: "this is Parquet; rename it to end in .parquet" },
  {
    bytes: Array.from(new TextEncoder().encode("SQLite format 3")),
    problem: "this is an SQLite database, not a text file"
  }
]
