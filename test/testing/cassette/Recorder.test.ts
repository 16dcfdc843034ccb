import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { fromMessage } from "../../../src/claude/StreamEvent.ts"
import type { Fetch } from "../../../src/claude/Transport.ts"
import * as Player from "../../../src/testing/cassette/Player.ts"
import * as Recorder from "../../../src/testing/cassette/Recorder.ts"
import * as Recording from "../../../src/testing/cassette/Recording.ts"
import * as EmulatorFetch from "../../../src/testing/emulator/wire/Fetch.ts"
import { message, sse } from "../../fixtures.ts"
import * as Corpus from "../../wire/Corpus.ts"

const folder = process.env["WIRE_CORPUS"]
const corpus = folder === undefined ? [] : Corpus.load(folder)

/** The lengths of chunks. */
const Cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })))
const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))

describe("a recorded answer is replayed", () => {
  it.effect.prop(
    "byte for byte and chunk for chunk, wherever its chunks end",
    [Schema.String, Cuts],
    ([text, cuts]) =>
      Effect.gen(function* () {
        const chunks = cut(new TextEncoder().encode(sse(fromMessage(message(`${text} 猫🐈`)))), cuts)
        assert.deepStrictEqual(yield* throughFile(streamed(chunks)), chunks)
      }),
    { arbitrary: { runs: 100 } }
  )

  it.effect.prop(
    "byte for byte, whatever its bytes and its content type",
    [Schema.Array(Byte), Schema.Literals(["application/json", "text/html", "text/event-stream"])],
    ([bytes, type]) =>
      Effect.gen(function* () {
        const body = Uint8Array.from(bytes)
        const replayed = yield* throughFile(() => new Response(body, { headers: { "content-type": type } }))
        assert.deepStrictEqual(joined(replayed), body)
      })
  )

  it.effect.each(['{"b":1,"a":[1.0]}', '{ "a": 1 }', '{"2":1,"1":2}', "{", "", '"\\ud83d"', "\ufeff{}"])(
    "byte for byte, if it is %s",
    (text) =>
      Effect.gen(function* () {
        const replayed = yield* throughFile(() => new Response(text))
        assert.deepStrictEqual(joined(replayed), new TextEncoder().encode(text))
      })
  )

  it.effect.skipIf(folder === undefined)(
    `byte for byte, for ${corpus.length} exchanges with the API (skipped unless WIRE_CORPUS names their folder)`,
    () =>
      Effect.forEach(corpus, ({ body, headers, name, status }) =>
        Effect.gen(function* () {
          const bytes = new TextEncoder().encode(body)
          const chunks = cut(bytes, [7, 1, 100, 3, 1000])
          const type = headers["content-type"] ?? "application/json"
          const replayed = yield* throughFile(streamed(chunks, type, status))
          assert.deepStrictEqual(joined(replayed), bytes, name)
        })
      )
  )
})

describe("a recorder", () => {
  it.effect("reads a stream only as fast as its reader, and passes a cancel on", () =>
    Effect.gen(function* () {
      let pulled = 0
      let cancelled = ""
      const body = new ReadableStream<Uint8Array>(
        {
          pull: (controller) => controller.enqueue(Uint8Array.of((pulled += 1))),
          cancel: (reason) => {
            cancelled = String(reason)
          }
        },
        { highWaterMark: 0 }
      )
      const recorder = Recorder.make(() => Promise.resolve(new Response(body, events)), now)
      const response = yield* Effect.promise(() => recorder.fetch("http://host/v1/messages"))
      const reader = response.body?.getReader() ?? assert.fail("no body")
      yield* Effect.promise(() => reader.read())
      yield* Effect.promise(() => reader.read())
      yield* Effect.repeat(Effect.yieldNow, { times: 20 })
      assert.strictEqual(pulled, 2)
      yield* Effect.promise(() => reader.cancel("enough"))
      assert.strictEqual(cancelled, "enough")
      const kept = recorder.exchanges().map(({ response }) => response.body)
      assert.deepStrictEqual(kept, [
        { chunks: [Recording.chunk(0, Uint8Array.of(1)), Recording.chunk(0, Uint8Array.of(2))] }
      ])
    })
  )

  it.effect("keeps the complete answer when its reader cancels, before or during reading", () =>
    Effect.gen(function* () {
      const lines = ["{}\n", "[]\n", "1\n"].map((line) => new TextEncoder().encode(line))
      const recorder = Recorder.make(() => Promise.resolve(streamed(lines, "application/x-jsonl", 529)()), now)
      const unread = yield* Effect.promise(() => recorder.fetch(url, ask))
      yield* Effect.promise(() => unread.body?.cancel() ?? Promise.reject())
      const half = yield* Effect.promise(() => recorder.fetch(url, ask))
      const reader = half.body?.getReader() ?? assert.fail("no body")
      yield* Effect.promise(() => reader.read())
      yield* Effect.promise(() => reader.cancel())
      const whole = { chunks: lines.map((line) => Recording.chunk(0, line)) }
      assert.deepStrictEqual(
        recorder.exchanges().map(({ response }) => [response.status, response.body]),
        [
          [529, whole],
          [529, whole]
        ]
      )
    })
  )

  it.effect.each([
    ["a text", (fetch: Fetch) => fetch(url, ask)],
    ["a Request", (fetch: Fetch) => fetch(new Request(url, ask))],
    ["bytes", (fetch: Fetch) => fetch(url, { ...ask, body: new TextEncoder().encode(ask.body) })],
    [
      "a stream",
      (fetch: Fetch) => fetch(url, Object.assign({ duplex: "half" }, ask, { body: new Blob([ask.body]).stream() }))
    ]
  ] as const)("passes on what is asked as %s, and keeps it", ([, asked]) =>
    Effect.gen(function* () {
      const echo: Fetch = (input, init) => new Request(input, init).text().then((text) => new Response(text))
      const recorder = Recorder.make(echo, now)
      const answer = yield* Effect.promise(() => asked(recorder.fetch).then((response) => response.text()))
      assert.strictEqual(answer, ask.body)
      assert.deepStrictEqual(
        recorder.exchanges().map(({ request }) => request.body),
        [{}]
      )
    })
  )

  it.effect("drops an answer that broke off, and an answer that was neither read nor cancelled", () =>
    Effect.gen(function* () {
      const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) })
      const answers = [new Response(broken), new Response("{}")]
      const recorder = Recorder.make(() => Promise.resolve(answers.shift() ?? Response.error()), now)
      const response = yield* Effect.promise(() => recorder.fetch("http://host/v1/messages"))
      yield* Effect.exit(Effect.tryPromise(() => response.text()))
      yield* Effect.promise(() => recorder.fetch("http://host/v1/messages"))
      assert.deepStrictEqual(recorder.exchanges(), [])
    })
  )

  it.effect("keeps the order of the requests, whatever the order of the answers", () =>
    Effect.gen(function* () {
      const waiting: Array<(response: Response) => void> = []
      const recorder = Recorder.make(() => new Promise((resolve) => waiting.push(resolve)), now)
      const asked = ["/v1/a", "/v1/b"].map((path) =>
        recorder.fetch(`http://host${path}`).then((response) => response.text())
      )
      for (const resolve of waiting.toReversed()) resolve(new Response("{}"))
      yield* Effect.promise(() => Promise.all(asked))
      assert.deepStrictEqual(
        recorder.exchanges().map(({ request }) => request.path),
        ["/v1/a", "/v1/b"]
      )
    })
  )
})

// Builders

/** Records an answer, writes and reads its file, and returns the chunks of the replay. */
const throughFile = Effect.fnUntraced(function* (answer: () => Response) {
  const recorder = Recorder.make(() => Promise.resolve(answer()), now)
  yield* Effect.promise(() => recorder.fetch(url, ask).then((response) => response.arrayBuffer()))
  const { exchanges } = yield* Effect.flatMap(Recording.encode(recorder.exchanges()), Recording.decode)
  const handle = Player.make({
    exchanges,
    missing: undefined,
    path: "cassette.json",
    pace: "at-once",
    hide: (text) => text
  })
  const replay: Fetch = yield* EmulatorFetch.make({ handle })
  const response = yield* Effect.promise(() => replay(url, ask))
  const read = Stream.fromReadableStream({
    evaluate: () => response.body ?? new ReadableStream<Uint8Array>(),
    onError: String
  })
  return yield* Stream.runCollect(read)
})

const url = "http://host/v1/messages"
const ask = { method: "POST", body: "{}" }
const now = () => 0
const events = { headers: { "content-type": "text/event-stream" } }

const streamed =
  (chunks: ReadonlyArray<Uint8Array>, type = "text/event-stream", status = 200) =>
  () => {
    const start = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    }
    return new Response(new ReadableStream({ start }), { status, headers: { "content-type": type } })
  }

/** Cuts bytes into chunks of these lengths, used in turn. */
const cut = (bytes: Uint8Array, lengths: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const [length = 10, ...rest] = lengths
  return bytes.length === 0 ? [] : [bytes.slice(0, length), ...cut(bytes.slice(length), [...rest, length])]
}

const joined = (chunks: ReadonlyArray<Uint8Array>) => Uint8Array.from(chunks.flatMap((chunk) => [...chunk]))
