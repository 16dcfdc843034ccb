/**
 * `npm run bench -- calls|stream|paced [--json]`: every subject in a process of its own, against one server in another,
 * in short rounds that each begin with another subject; medians of 21, after 9 to warm up. A ratio is the median of the
 * ratios within the rounds: a machine that is shared changes its speed from one second to the next. `stream` is a burst:
 * ten events a write, as fast as the socket takes them. `paced` is as models talk: one event a write, 1 ms apart, so that
 * the CPU of an event is the figure to look at. Figures hold within one run only: compare, do not quote.
 * `npm run bench -- emulator`, `-- cache` and `-- redact` are benches of their own.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import type { Serving } from "./server.ts"
import type { Measured, Round } from "./worker.ts"

const others = { cache: "./cache.ts", emulator: "./emulator.ts", redact: "./redact.ts" }
for (const [name, file] of Object.entries(others)) {
  if (process.argv[2] === name) {
    await import(file)
    process.exit()
  }
}

const bench = process.argv[2] === "stream" || process.argv[2] === "paced" ? process.argv[2] : "calls"
const json = process.argv.includes("--json")
const rounds = 21
const warmUp = 9
const plans = {
  calls: {
    names: ["effect-claude", "our stack", "all our policies", "sdk", "ai", "langchain", "undici"],
    sizes: [1, 16, 64, 256].map((inFlight) => ({ inFlight, count: inFlight === 1 ? 250 : 1500 }))
  },
  stream: {
    names: ["effect-claude", "our stack", "all our policies", "sdk", "message-stream", "ai", "langchain"],
    sizes: [1, 16, 64].map((inFlight) => ({ inFlight, count: inFlight === 1 ? 150 : 300 }))
  },
  paced: {
    names: ["effect-claude", "sdk", "message-stream", "ai", "langchain"],
    sizes: [1, 16, 64].map((inFlight) => ({ inFlight, count: inFlight * 2 }))
  }
} as const

const children: Array<ChildProcess> = []

const stop = () => {
  for (const child of children) child.removeAllListeners("exit").kill()
}

/** A process of the bench, once it is ready, and what it said then. One that ends before the bench does is its end. */
const start = async (name: string, file: string, args: ReadonlyArray<string>) => {
  const child = fork(new URL(file, import.meta.url), args)
  children.push(child)
  child.once("exit", (code) => {
    console.error(`${name} ended with code ${code} in the middle of the bench; what it said of it stands above`)
    stop()
    process.exit(1)
  })
  const [said] = await once(child, "message")
  return { child, said }
}

const serving: Serving = (await start("the server", "./server.ts", [bench])).said

const workers = new Map<string, ChildProcess>()
for (const name of plans[bench].names) workers.set(name, (await start(name, "./worker.ts", [name, serving.url])).child)

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

const hundredths = (number: number) => Math.round(number * 100) / 100

for (const { count, inFlight } of plans[bench].sizes) {
  const { names } = plans[bench]
  const taken = new Map<string, Array<Measured>>(names.map((name) => [name, []]))
  for (let round = 0; round < warmUp + rounds; round++) {
    const first = round % names.length
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const measured = await measure(name, { bench, inFlight, count, deltas: serving.deltas })
      if (round >= warmUp) taken.get(name)?.push(measured)
    }
  }
  const sdk = taken.get("sdk") ?? []
  const figure = bench === "paced" ? "cpuMicros" : "perSecond"
  for (const [subject, all] of taken) {
    const row = {
      bench,
      subject,
      inFlight,
      perSecond: Math.round(median(all.map(({ perSecond }) => perSecond))),
      cpuMicros: hundredths(median(all.map(({ cpuMicros }) => cpuMicros))),
      toSdk: hundredths(median(all.map((measured, round) => measured[figure] / (sdk[round]?.[figure] ?? 1))))
    }
    const line = [row.subject.padEnd(16), `${inFlight} in flight`.padEnd(16), `${row.perSecond}/s`.padStart(12)]
    const ratio = `${row.toSdk.toFixed(2)} × sdk`
    console.log(
      json ? JSON.stringify(row) : [...line, `${row.cpuMicros} µs`.padStart(12), ratio.padStart(12)].join(" ")
    )
  }
}
stop()
