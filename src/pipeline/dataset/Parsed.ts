/**
 * Text formats that a channel of Effect parses: pairs the rows that come out with the bytes and texts that went in.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Bytes from "effect/Bytes"
import * as Stream from "effect/Stream"
import type { DatasetFailed } from "./DatasetFailed.ts"
import type { InputFile } from "./Format.ts"
import * as Utf8 from "./Utf8.ts"

/** Rows, and what they came from. The last piece of a file has no rows. */
export interface Piece<A> {
  readonly rows: ReadonlyArray<A>
  /** The bytes since the piece before. */
  readonly bytes: Uint8Array
  /** Every text that may have a part of the rows: since the piece before, and the last one of that piece. */
  readonly texts: ReadonlyArray<Utf8.Text>
}

type Rows<A> = Stream.Stream<A, DatasetFailed, FileSystem.FileSystem>

/** Parses a file. `parse` must not read ahead: it pulls a text only when it needs one for the next rows. */
export const pieces = <A>(file: InputFile, parse: (texts: Rows<string>) => Rows<A>): Rows<Piece<A>> =>
  Stream.suspend(() => {
    const { add, end } = Utf8.decoder()
    let bytes: Array<Uint8Array> = []
    let texts: Array<Utf8.Text> = []
    const keep = (text: Utf8.Text) => {
      texts.push(text)
      return text.text
    }
    const read = (chunk: Uint8Array) => {
      bytes.push(chunk)
      return keep(add(chunk))
    }
    const last = Stream.fromEffect(Effect.sync(() => keep(end())))
    const take = (rows: ReadonlyArray<A>): Piece<A> => {
      const piece = { rows, bytes: bytes.length === 1 ? (bytes[0] ?? none) : Bytes.concat(bytes), texts }
      bytes = []
      texts = texts.slice(-1)
      return piece
    }
    const input = Stream.concat(Stream.map(file.bytes, read), last)
    return Stream.concat(
      Stream.mapArray(parse(input), (rows) => [take(rows)]),
      Stream.sync(() => take([]))
    )
  })

const none = new Uint8Array()
