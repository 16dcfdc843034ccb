/**
 * `npm run bench -- object [--json]`: milliseconds of CPU to follow a streamed object of 1, 10 and 100 KB, 20 characters
 * a piece: `jsonriver` alone, our snapshots with the decoding of the whole, `Claude.streamObject` with its events, and
 * `partial-json`, which parses all the text again for each piece. Medians of 15 rounds, after 5 to warm up.
 */
import { Effect, Layer, Result, Schema, Stream } from "effect"
import { parse } from "jsonriver"
import * as PartialJson from "partial-json"
import * as PartialValue from "../src/call/object/PartialValue.ts"
import * as OutputFormat from "../src/claude/OutputFormat.ts"
import { Claude } from "../src/index.ts"
import { median } from "./median.ts"

const Order = Schema.Struct({
  customer: Schema.String,
  lines: Schema.Array(
    Schema.Struct({
      id: Schema.Int,
      kind: Schema.Literals(["book", "film"]),
      title: Schema.String,
      tags: Schema.Array(Schema.String),
      price: Schema.NullOr(Schema.Finite)
    })
  )
})

const orderOf = (length: number): string => {
  const lines: Array<(typeof Order.Type)["lines"][number]> = []
  const text = () => JSON.stringify({ customer: "Ada", lines })
  for (let id = 0; text().length < length; id++)
    lines.push({
      id,
      kind: id % 2 ? "book" : "film",
      title: `The "tale" of ${id}\nand more`,
      tags: ["a", "b"],
      price: id / 4
    })
  return text()
}

const piecesOf = (text: string) =>
  Array.from({ length: Math.ceil(text.length / 20) }, (_, at) => text.slice(at * 20, at * 20 + 20))

const format = Result.getOrThrow(OutputFormat.make(Order))

const events = (pieces: ReadonlyArray<string>) => {
  const message = { id: "m", type: "message", role: "assistant", model: "claude-sonnet-5-5", content: [] }
  const usage = { input_tokens: 1, output_tokens: 1 }
  return [
    { type: "stream_start", requestId: undefined, origin: "api", rateLimits: undefined },
    { type: "message_start", message: { ...message, stop_reason: null, usage } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    ...pieces.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage },
    { type: "message_stop" }
  ] as const
}

type Follow = (text: string, pieces: ReadonlyArray<string>) => Promise<unknown>

/** A Claude that answers with these events, `chunkSize` of them at once. */
const claude = (pieces: ReadonlyArray<string>, chunkSize = 1) => {
  const stream = Stream.fromIterable(events(pieces) as never, { chunkSize })
  return Layer.succeed(Claude.Claude, { stream: () => stream } as never)
}

const subjects: Record<string, Follow> = {
  "jsonriver alone": async (_, pieces) => {
    let last: unknown
    for await (const value of parse(
      (async function* () {
        yield* pieces
      })()
    ))
      last = value
    return last
  },
  "our snapshots, decoded": (text, pieces) =>
    Effect.gen(function* () {
      const partial = PartialValue.make(format.part)
      for (const piece of pieces) yield* partial.push(piece)
      return yield* format.decode(text)
    }).pipe(Effect.runPromise),
  "Claude.streamText, the events alone": (_, pieces) =>
    Claude.streamText("Go.").pipe(Stream.runDrain, Effect.provide(claude(pieces)), Effect.runPromise),
  "Claude.streamObject": (_, pieces) =>
    Claude.streamObject(Order, "Go.").pipe(Stream.runDrain, Effect.provide(claude(pieces)), Effect.runPromise),
  "Claude.streamObject, 16 pieces at once": (_, pieces) =>
    Claude.streamObject(Order, "Go.").pipe(Stream.runDrain, Effect.provide(claude(pieces, 16)), Effect.runPromise),
  "partial-json": async (_, pieces) => {
    let text = ""
    let last: unknown
    for (const piece of pieces) last = PartialJson.parse((text += piece))
    return last
  }
}

for (const kilobytes of [1, 10, 100]) {
  const text = orderOf(kilobytes * 1000)
  const pieces = piecesOf(text)
  const medians: Record<string, number> = {}
  const names = Object.keys(subjects).filter((name) => name !== "partial-json")
  const taken = new Map<string, Array<number>>()
  const measure = async (name: string) => {
    const repeats = name === "partial-json" ? 1 : Math.ceil(200 / kilobytes)
    const start = process.cpuUsage()
    for (let repeat = 0; repeat < repeats; repeat++) await subjects[name]?.(text, pieces)
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1000 / repeats
  }
  for (let round = 0; round < 20; round++) {
    for (const name of names) {
      const milliseconds = await measure(name)
      if (round >= 5) taken.set(name, [...(taken.get(name) ?? []), milliseconds])
    }
  }
  taken.set("partial-json", [
    await measure("partial-json"),
    await measure("partial-json"),
    await measure("partial-json")
  ])
  for (const [name, all] of taken) medians[name] = median(all)
  for (const [subject, milliseconds] of Object.entries(medians)) {
    const ratio = milliseconds / (medians["jsonriver alone"] ?? NaN)
    const row = {
      bench: "object",
      kilobytes,
      pieces: pieces.length,
      subject,
      milliseconds: Math.round(milliseconds * 1000) / 1000,
      ratio: Math.round(ratio * 100) / 100
    }
    console.log(
      process.argv.includes("--json")
        ? JSON.stringify(row)
        : `${`${kilobytes} KB`.padEnd(8)}${subject.padEnd(38)}${milliseconds.toFixed(3).padStart(10)} ms  ${ratio.toFixed(2)} × jsonriver`
    )
  }
}
