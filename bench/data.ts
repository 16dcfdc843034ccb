/**
 * `npm run bench -- data [ROWS…] [--json]`: reads files of rows and decodes each row with a schema, beside the readers
 * that people would use instead, with the same decoding. Each reading is a process; three rounds, each of which begins with
 * a different subject. A ratio is the median of the ratios of CPU time within the rounds, since other programs take time too. Compare figures of the same run only.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { NodeServices } from "@effect/platform-node"
import { Effect, Layer, Stream } from "effect"
import * as Dataset from "../src/pipeline/Dataset.ts"
import * as NodeSources from "../src/run/NodeSources.ts"
import { row } from "./data/rows.ts"
import { median } from "./median.ts"

interface Read {
  readonly valid: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly megabytes: number
}

const { positionals, values } = parseArgs({
  args: process.argv.slice(3),
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } }
})
const sizes = positionals.length === 0 ? [100_000, 1_000_000] : positionals.map(Number)
const rounds = 3

/** The subjects of each format. Each ratio compares the first with another. */
const plans: Readonly<Record<string, ReadonlyArray<string>>> = {
  "rows.jsonl": ["effect-claude"],
  "rows.csv": ["effect-claude", "papaparse chunks", "papaparse", "csv-parse"],
  "rows.csv.gz": ["effect-claude"],
  "rows.json": ["effect-claude", "stream-json"],
  "rows.parquet": ["effect-claude"]
}

const read = async (subject: string, path: string): Promise<Read> => {
  const child = fork(new URL("./data/read.ts", import.meta.url), [subject, path])
  const [message] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`${subject} ended with ${code} before its result`)))
  ])
  return message
}

const folder = mkdtempSync(join(tmpdir(), "bench-data-"))
process.once("exit", () => rmSync(folder, { recursive: true, force: true }))

const write = (path: string, rows: number) => {
  const numbers = Stream.range(0, rows - 1)
  const lines = Stream.map(numbers, (number) => JSON.stringify(row(number)))
  return Effect.runPromise(
    Effect.provide(Dataset.write(path, lines), Layer.merge(NodeServices.layer, NodeSources.layer))
  )
}

for (const rows of sizes) {
  for (const [name, subjects] of Object.entries(plans)) {
    const path = join(folder, name)
    await write(path, rows)
    const taken = new Map<string, Array<Read>>(subjects.map((subject) => [subject, []]))
    for (let round = 0; round < rounds; round++) {
      const first = round % subjects.length
      for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) {
        const result = await read(subject, path)
        if (result.valid !== rows) throw new Error(`${subject} read ${result.valid} of ${rows} rows of ${name}`)
        taken.get(subject)?.push(result)
      }
    }
    const ours = taken.get("effect-claude") ?? []
    for (const [subject, all] of taken) {
      const ratio = median(all.map(({ cpuSeconds }, round) => cpuSeconds / (ours[round]?.cpuSeconds ?? NaN)))
      const seconds = median(all.map(({ seconds }) => seconds))
      const figures = {
        bench: "data",
        file: name,
        rows,
        fileMegabytes: Math.round(statSync(path).size / 1e6),
        subject,
        rowsPerSecond: Math.round(rows / seconds),
        cpuMicros: Math.round((median(all.map(({ cpuSeconds }) => cpuSeconds)) / rows) * 1e8) / 100,
        megabytes: Math.round(median(all.map(({ megabytes }) => megabytes))),
        cpuToOurs: Math.round(ratio * 100) / 100
      }
      const columns = [
        `${name} ${rows}`.padEnd(22),
        subject.padEnd(18),
        `${figures.rowsPerSecond}/s`.padStart(12),
        `${figures.megabytes} MB`.padStart(8)
      ]
      console.log(
        values.json
          ? JSON.stringify(figures)
          : [...columns, `${figures.cpuMicros} µs CPU`.padStart(14), `${figures.cpuToOurs.toFixed(2)} × ours`].join(
              "  "
            )
      )
    }
    rmSync(path)
  }
}
