/**
 * `npm run bench -- calls|stream [--json]`: every subject in a process of its own, against one server in another, in
 * alternating rounds; the median of five, after three to warm up. Figures hold within one run only: compare, do not quote.
 * `npm run bench -- emulator` is a bench of its own.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import type { Measured, Round } from "./worker.ts"

if (process.argv[2] === "emulator") {
  await import("./emulator.ts")
  process.exit()
}

const bench = process.argv[2] === "stream" ? "stream" : "calls"
const json = process.argv.includes("--json")
const rounds = 5
const warmUp = 3
const plans = {
  calls: {
    names: ["effect-claude", "sdk", "ai", "langchain", "undici"],
    sizes: [1, 16, 64, 256].map((inFlight) => ({ inFlight, count: inFlight === 1 ? 1000 : 6000 }))
  },
  stream: {
    names: ["effect-claude", "sdk", "message-stream", "ai", "langchain"],
    sizes: [1, 16, 64].map((inFlight) => ({ inFlight, count: inFlight === 1 ? 600 : 1200 }))
  }
} as const

const here = (file: string) => new URL(file, import.meta.url).pathname
const server = fork(here("./server.ts"))
const [url] = await once(server, "message")

const workers = new Map<string, ReturnType<typeof fork>>()
for (const name of plans[bench].names) {
  const worker = fork(here("./worker.ts"), [name, url])
  await once(worker, "message")
  workers.set(name, worker)
}

/** Their streams are ten times slower: a tenth of them measures as well. */
const slow = new Set(["ai", "langchain"])

const measure = async (name: string, whole: Round): Promise<Measured> => {
  const round = bench === "stream" && slow.has(name) ? { ...whole, count: Math.ceil(whole.count / 10) } : whole
  const worker = workers.get(name)
  worker?.send(round)
  const [measured] = worker === undefined ? [] : await once(worker, "message")
  return measured
}

const median = (numbers: ReadonlyArray<number>) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0

for (const { count, inFlight } of plans[bench].sizes) {
  const taken = new Map<string, Array<Measured>>()
  for (let round = 0; round < warmUp + rounds; round++) {
    for (const name of plans[bench].names) {
      const measured = await measure(name, { bench, inFlight, count })
      if (round >= warmUp) taken.set(name, [...(taken.get(name) ?? []), measured])
    }
  }
  const rows = [...taken].map(([subject, all]) => ({
    bench,
    subject,
    inFlight,
    perSecond: Math.round(median(all.map(({ perSecond }) => perSecond))),
    cpuMicros: Math.round(median(all.map(({ cpuMicros }) => cpuMicros)) * 100) / 100
  }))
  const sdk = rows.find(({ subject }) => subject === "sdk")?.perSecond ?? 1
  for (const row of rows) {
    const line = [row.subject.padEnd(16), `${inFlight} in flight`.padEnd(16), `${row.perSecond}/s`.padStart(12)]
    const ratio = `${(row.perSecond / sdk).toFixed(2)} × sdk`
    console.log(
      json ? JSON.stringify(row) : [...line, `${row.cpuMicros} µs`.padStart(12), ratio.padStart(12)].join(" ")
    )
  }
}
for (const worker of workers.values()) worker.kill()
server.kill()
