import { randomBytes } from "node:crypto"
import * as zlib from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Dataset from "../../src/pipeline/Dataset.ts"
import * as NodeCompression from "../../src/run/NodeCompression.ts"

describe("gzip and zstd", () => {
  for (const kind of ["gzip", "zstd"] as const) {
    it.effect(`read all parts of a ${kind} file, however it is cut into chunks`, () =>
      Effect.gen(function* () {
        const small = random.subarray(0, 301)
        for (const size of [1, 7, 4096, 65_536]) {
          const part = size < 4096 ? small : random
          const file = Buffer.concat([skippable(kind), compress(kind, text), skippable(kind), compress(kind, part)])
          const content = yield* read(kind, cut(file, size))
          assert.isTrue(content.equals(Buffer.concat([text, part])), `${kind} in pieces of ${size} bytes`)
        }
      }).pipe(Effect.provide(NodeCompression.layer))
    )

    it.effect(`write ${kind} that reads back`, () =>
      Effect.gen(function* () {
        const { compress } = yield* Dataset.Compression
        const pieces = yield* Stream.runCollect(compress(kind, Stream.make(text, random)))
        assert.isTrue((yield* read(kind, pieces)).equals(Buffer.concat([text, random])))
      }).pipe(Effect.provide(NodeCompression.layer))
    )

    it.effect(`refuse a ${kind} file that was cut off, wherever`, () =>
      Effect.gen(function* () {
        const file = Buffer.concat([compress(kind, text), compress(kind, random)])
        for (const end of [2, 9, 40, file.length - 70_000, file.length - 4, file.length - 1]) {
          const { detail } = yield* Effect.flip(read(kind, cut(file.subarray(0, end), 4096)))
          assert.strictEqual(detail, "its last bytes are missing, so it was cut off; fetch it or make it again")
        }
      }).pipe(Effect.provide(NodeCompression.layer))
    )

    it.effect(`refuse other bytes after a ${kind} file, and a damaged one`, () =>
      Effect.gen(function* () {
        const file = compress(kind, text)
        const trailing = yield* Effect.flip(read(kind, [file, Buffer.from("more")]))
        assert.match(trailing.detail, /other bytes after its (end|last frame); .*make it again/)
        const damaged = Uint8Array.from(file)
        damaged.fill(0x55, file.length - 4)
        const { detail } = yield* Effect.flip(read(kind, [damaged]))
        assert.match(detail, /: it is damaged, or has other bytes after its end; fetch it or make it again$/)
      }).pipe(Effect.provide(NodeCompression.layer))
    )
  }

  it.effect("keep the failure of the bytes as it is", () =>
    Effect.gen(function* () {
      const { decompress } = yield* Dataset.Compression
      const bytes = Stream.concat(Stream.make(compress("gzip", text).subarray(0, 100)), Stream.fail("no disk"))
      assert.strictEqual(yield* Effect.flip(Stream.runDrain(decompress("gzip", bytes))), "no disk")
    }).pipe(Effect.provide(NodeCompression.layer))
  )

  it.effect("stop the bytes when the reader stops", () =>
    Effect.gen(function* () {
      const { compress, decompress } = yield* Dataset.Compression
      const closed = yield* Deferred.make<void>()
      const endless = Stream.ensuring(Stream.forever(Stream.make(random)), Deferred.succeed(closed, undefined))
      const first = yield* Stream.runCollect(Stream.take(decompress("zstd", compress("zstd", endless)), 1))
      assert.lengthOf(first, 1)
      yield* Deferred.await(closed)
    }).pipe(Effect.provide(NodeCompression.layer))
  )

  it.effect("say what they need where nothing provides them", () =>
    Effect.gen(function* () {
      const { detail } = yield* Effect.flip(read("gzip", []))
      assert.strictEqual(
        detail,
        "gzip needs NodeCompression.layer of effect-claude/node; provide it, or use a file without compression"
      )
    })
  )
})

// Builders

const text = Buffer.from("row\n".repeat(200_000))
const random = randomBytes(150_001)

/** With a checksum, as the command line tools write it. */
function compress(kind: Dataset.CompressionKind, bytes: Uint8Array): Buffer {
  const params = { [zlib.constants.ZSTD_c_checksumFlag]: 1 }
  return kind === "gzip" ? zlib.gzipSync(bytes) : zlib.zstdCompressSync(bytes, { params })
}

/** A frame of zstd that readers skip. */
function skippable(kind: Dataset.CompressionKind): Buffer {
  return kind === "gzip" ? Buffer.alloc(0) : Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
}

function cut(bytes: Uint8Array, size: number): ReadonlyArray<Uint8Array> {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size)
  )
}

const read = Effect.fnUntraced(function* (kind: Dataset.CompressionKind, pieces: ReadonlyArray<Uint8Array>) {
  const { decompress } = yield* Dataset.Compression
  return Buffer.concat(yield* Stream.runCollect(decompress(kind, Stream.fromIterable(pieces))))
})
