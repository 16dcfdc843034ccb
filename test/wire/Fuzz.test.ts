/**
 * Streams of the recorded corpus, cut and damaged at random. `FUZZ_STREAMS` is their number; 1,000 by default.
 */
import { assert, describe, it } from "@effect/vitest"
import { ClaudeError } from "effect-claude"
import { Duration, Effect, Random, Result, Stream } from "effect"
import * as EventStream from "../../src/claude/EventStream.ts"
import { message, sse, streamStart } from "../fixtures.ts"
import { fromMessage } from "../../src/claude/StreamEvent.ts"
import * as Corpus from "./Corpus.ts"

const folder = process.env["WIRE_CORPUS"]
const count = Number(process.env["FUZZ_STREAMS"] ?? 1000)

/** The bodies of the corpus, if present, and one of ours with characters of several bytes. */
const bodies = [
  ...(folder === undefined ? [] : Corpus.load(folder)).filter((one) => Corpus.kindOf(one) === "messages, stream"),
  { name: "our own", body: sse(fromMessage(message('Grüße, 世界 🌍, and "quotes".\n\nNew line.'))) }
]

describe(`${count} streams of ${bodies.length} bodies`, () => {
  it.live(
    "in pieces of any size have the same events",
    () =>
      Effect.gen(function* () {
        for (let n = 0; n < count / 2; n++) {
          const { body, events, name } = yield* pick
          assert.deepStrictEqual(yield* read(yield* pieces(Buffer.from(body))), Result.succeed(events), name)
        }
      }),
    600_000
  )

  it.live(
    "with frames truncated, dropped, repeated or moved end as before, or fail with a typed error",
    () =>
      Effect.gen(function* () {
        for (let n = 0; n < count / 4; n++) {
          const { body, events, name } = yield* pick
          const frames = body.split(/(?<=\n\n)/)
          const at = yield* Random.nextIntBetween(0, frames.length)
          const to = yield* Random.nextIntBetween(0, frames.length)
          const spoiled = yield* Random.choice([
            frames.slice(0, at),
            frames.toSpliced(at, 1),
            frames.toSpliced(at, 0, frames[at] ?? ""),
            frames.toSpliced(at, 1).toSpliced(to, 0, frames[at] ?? "")
          ])
          const outcome = yield* read(yield* pieces(Buffer.from(spoiled.join(""))))
          if (Result.isFailure(outcome)) assert.instanceOf(outcome.failure, ClaudeError.ClaudeError, name)
          else assert.strictEqual(outcome.success.at(-1)?.type, events.at(-1)?.type, name)
        }
      }),
    600_000
  )

  it.live(
    "with bytes removed or changed never crash or hang, and fail only with a ClaudeError",
    () =>
      Effect.gen(function* () {
        for (let n = 0; n < count / 4; n++) {
          const { body, name } = yield* pick
          const bytes = Buffer.from(body)
          for (let spots = yield* Random.nextIntBetween(1, 8); spots > 0; spots--) {
            bytes[yield* Random.nextIntBetween(0, bytes.length)] = yield* Random.nextIntBetween(0, 256)
          }
          const outcome = yield* read(yield* pieces(bytes.subarray(0, yield* Random.nextIntBetween(0, bytes.length))))
          if (Result.isFailure(outcome)) assert.instanceOf(outcome.failure, ClaudeError.ClaudeError, name)
        }
      }),
    600_000
  )
})

const pick = Effect.map(Random.choice(bodies), ({ body, name }) => ({
  body,
  name,
  events: [...body.matchAll(/^data: ?(.*)$/gm)]
    .map(([, data]) => JSON.parse(data ?? ""))
    .filter(({ type }) => type !== "ping")
}))

/** Bytes cut at random places, sometimes after every byte. */
const pieces = Effect.fnUntraced(function* (bytes: Uint8Array) {
  const most = yield* Random.choice([1, 7, 100, 5000])
  const cut: Array<Uint8Array<ArrayBuffer>> = []
  for (let start = 0; start < bytes.length;) {
    const end = start + (yield* Random.nextIntBetween(1, most + 1))
    cut.push(Uint8Array.from(bytes.subarray(start, end)))
    start = end
  }
  return cut
})

/** The events of a body in these pieces, or the error. */
const read = (pieces: ReadonlyArray<Uint8Array<ArrayBuffer>>) => {
  const left = pieces.values()
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => {
      const { done, value } = left.next()
      if (done) controller.close()
      else controller.enqueue(value)
    }
  })
  const response = new Response(body, { headers: { "content-type": "text/event-stream" } })
  return Stream.unwrap(EventStream.fromResponse(streamStart, response, Duration.seconds(5))).pipe(
    Stream.drop(1),
    Stream.runCollect,
    Effect.result
  )
}
