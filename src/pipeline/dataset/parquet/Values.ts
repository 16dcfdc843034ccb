/**
 * The values of a column in a row group, in order. A page is read and decoded when its values are needed, so memory follows
 * the largest page. It is for columns without lists and structs: their pages begin with a row.
 */
import type { AsyncBuffer, DecodedArray } from "hyparquet"
import { parquetHeader, readPage } from "hyparquet/src/column.js"
import { convert } from "hyparquet/src/convert.js"
import * as Effect from "effect/Effect"

/** How hyparquet decodes the pages of a column. */
export type Decoder = Parameters<typeof convert>[1]

/** Values from a place on. They are not copied: a page may be large, and copies would outlive many collections. */
export interface Part {
  readonly values: ArrayLike<unknown>
  readonly from: number
}

/** Takes the next values of a column. */
export type Take<E> = (count: number) => Effect.Effect<Part, E>

/** A column in a row group. */
interface Chunk<E> {
  readonly file: AsyncBuffer
  /** Its first byte in the file. */
  readonly start: number
  /** The byte after its last one. */
  readonly end: number
  readonly decoder: Decoder
  /** Makes an error of what the file or hyparquet failed with. */
  readonly refuse: (error: unknown) => E
}

/** Takes the values of a column from its start. */
export const make = <E>(chunk: Chunk<E>): Take<E> => {
  const { decoder, end, refuse, start } = chunk
  const bytes = bytesOf(chunk)
  let position = start
  let dictionary: DecodedArray | undefined
  let page: DecodedArray = []
  let used = 0

  /** Reads the header of a page. Its length is unknown, so it is read again with more bytes where they do not suffice. */
  const header = (length: number): Effect.Effect<ReturnType<typeof parquetHeader>, E> =>
    Effect.flatMap(bytes(position, length), (view) => {
      const reader = { view, offset: 0 }
      const parse = Effect.try({ try: () => parquetHeader(reader), catch: refuse })
      const parsed = Effect.tap(parse, () => Effect.sync(() => (position += reader.offset)))
      return view.byteLength < length ? parsed : Effect.catch(parsed, () => header(length * 4))
    })

  const nextPage = Effect.gen(function* () {
    if (position >= end) return yield* Effect.fail(refuse(`the column ${decoder.pathInSchema.join(".")} is too short`))
    const found = yield* header(headerLength)
    const view = yield* bytes(position, found.compressed_page_size)
    position += found.compressed_page_size
    const decode = () => {
      const { data = [] } = readPage({ view, offset: 0 }, found, decoder, dictionary, undefined, 0)
      if (found.type === "DICTIONARY_PAGE") dictionary = convert(data, decoder)
      else [page, used] = [data, 0]
    }
    yield* Effect.try({ try: decode, catch: refuse })
  })

  return Effect.fnUntraced(function* (count) {
    while (used === page.length) yield* nextPage
    if (used + count <= page.length) {
      used += count
      return { values: page, from: used - count }
    }
    const values: Array<unknown> = []
    while (values.length < count) {
      if (used === page.length) yield* nextPage
      else values.push(page[used++])
    }
    return { values, from: 0 }
  })
}

/** Bytes that are read for a header at first. */
const headerLength = 1024

/** Bytes that are read at once, at least. */
const windowLength = 64 * 1024

/** Reads bytes of a column, and keeps those around them. At the end of the column there may be fewer. */
const bytesOf = <E>({ end: last, file, refuse }: Chunk<E>) => {
  let start = 0
  let buffer = new ArrayBuffer()
  return Effect.fnUntraced(function* (from: number, length: number) {
    const to = Math.min(from + length, last)
    if (from < start || to > start + buffer.byteLength) {
      const until = Math.min(Math.max(to, from + windowLength), last)
      buffer = yield* Effect.tryPromise({ try: () => Promise.resolve(file.slice(from, until)), catch: refuse })
      start = from
    }
    return new DataView(buffer, from - start, to - from)
  })
}
