/** A process that reads one file once, with one subject, and sends how long it took and how much memory it had. */
import { createReadStream } from "node:fs"
import { performance } from "node:perf_hooks"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Cells from "../../src/pipeline/dataset/Cells.ts"
import * as Dataset from "../../src/pipeline/Dataset.ts"
import * as ResultLine from "../../src/pipeline/ResultLine.ts"
import * as NodeSources from "../../src/run/NodeSources.ts"
import { Ticket } from "./rows.ts"

const [subject = "", path = ""] = process.argv.slice(2)

const decodeJson = ResultLine.decode(Ticket)
const fit = Cells.fit(Ticket)

let valid = 0

/** The decoding of all subjects: that of a dataset. It takes no step of a fiber. */
const count = (value: unknown) =>
  void Effect.matchEager(decodeJson(value), { onSuccess: () => void valid++, onFailure: () => undefined })

const subjects: Record<string, () => Promise<void>> = {
  "effect-claude": () =>
    Dataset.fromFile(Ticket, path).rows.pipe(
      Stream.runForEachArray((rows) =>
        Effect.sync(() => {
          for (const row of rows) if (Result.isSuccess(row)) valid++
        })
      ),
      Effect.provide(Layer.merge(NodeServices.layer, NodeSources.layer)),
      Effect.runPromise
    ),
  papaparse: async () => {
    const { default: Papa } = await import("papaparse")
    const parser = Papa.parse(Papa.NODE_STREAM_INPUT, { header: true, skipEmptyLines: true })
    for await (const row of createReadStream(path).pipe(parser)) count(fit(row))
  },
  "papaparse chunks": async () => {
    const { default: Papa } = await import("papaparse")
    await new Promise<void>((resolve, reject) =>
      Papa.parse(createReadStream(path), {
        header: true,
        skipEmptyLines: true,
        chunk: ({ data }: { readonly data: ReadonlyArray<unknown> }) => {
          for (const row of data) count(fit(row))
        },
        complete: () => resolve(),
        error: reject
      })
    )
  },
  "csv-parse": async () => {
    const { parse } = await import("csv-parse")
    const parser = parse({ columns: true })
    parser.on("readable", () => {
      for (let row = parser.read(); row !== null; row = parser.read()) count(fit(row))
    })
    await new Promise<void>((resolve, reject) =>
      createReadStream(path).on("error", reject).pipe(parser).on("end", resolve).on("error", reject)
    )
  },
  "stream-json": async () => {
    const { default: withParser } = await import("stream-json/streamers/stream-array.js")
    const pipeline = createReadStream(path).pipe(withParser.withParserAsStream())
    await new Promise<void>((resolve, reject) =>
      pipeline
        .on("data", ({ value }: { readonly value: unknown }) => count(value))
        .on("end", resolve)
        .on("error", reject)
    )
  }
}

const before = process.cpuUsage()
const start = performance.now()
await subjects[subject]?.()
const seconds = (performance.now() - start) / 1000
const { system, user } = process.cpuUsage(before)
process.send?.({ valid, seconds, cpuSeconds: (system + user) / 1e6, megabytes: process.resourceUsage().maxRSS / 1024 })
