/**
 * `npm run bench -- calls|stream|paced [IN_FLIGHT…] [--before CHECKOUT] [--json]` compares clients. Each subject runs
 * in a separate process, against one server in another process, in short rounds; each round begins with a different
 * subject. The figures are medians of 21 rounds, after 9 rounds to warm up. `--before` adds our subjects from another
 * checkout, which has its own node_modules. A ratio is the median of the ratios within the rounds, because the speed of
 * a shared machine changes every second. `stream` sends bursts of ten events per write, as fast as the socket accepts
 * them. `paced` sends one event per write, 1 ms apart, as a model does; compare the CPU time per event there. Compare
 * figures of the same run only. `npm run bench -- job`, `-- rate`, `-- rateShared`, `-- hedge`, `-- emulator`, `-- cache`,
 * `-- cluster`, `-- conversation`, `-- data`, `-- redact`, `-- tools`, `-- trim` and `-- object` are separate benches.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import type { Serving } from "./server.ts"
import type { Measured, Round } from "./worker.ts"
import { median } from "./median.ts"

const others = {
  cache: "./cache.ts",
  cluster: "./cluster.ts",
  conversation: "./conversation.ts",
  data: "./data.ts",
  emulator: "./emulator.ts",
  hedge: "./hedge.ts",
  job: "./job.ts",
  object: "./object.ts",
  rate: "./rate.ts",
  rateShared: "./rateShared.ts",
  redact: "./redact.ts",
  tools: "./tools.ts",
  trim: "./trim.ts"
}
for (const [name, file] of Object.entries(others)) {
  if (process.argv[2] === name) {
    await import(file)
    process.exit()
  }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { before: { type: "string" }, json: { type: "boolean", default: false } }
})
const [named, ...chosen] = positionals
const bench = named === "stream" || named === "paced" ? named : "calls"
const { json } = values
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

const ours: ReadonlySet<string> = new Set(["effect-claude", "our stack", "all our policies"])

const children: Array<ChildProcess> = []

const stop = () => {
  for (const child of children) child.removeAllListeners("exit").kill()
}

/** Starts a process and waits for its first message. If the process ends early, the bench fails. */
const start = async (name: string, file: string, args: ReadonlyArray<string>) => {
  const child = fork(new URL(file, import.meta.url), args)
  children.push(child)
  child.once("exit", (code) => {
    console.error(`${name} ended with code ${code} during the bench; see its output above`)
    stop()
    process.exit(1)
  })
  const [message] = await once(child, "message")
  return { child, message }
}

const serving: Serving = (await start("the server", "./server.ts", [bench])).message

const here = resolve(import.meta.dirname, "..")
const workers = new Map<string, ChildProcess>()
for (const name of plans[bench].names) {
  const isOurs = ours.has(name)
  workers.set(name, (await start(name, "./worker.ts", [name, serving.url, ...(isOurs ? [here] : [])])).child)
  if (!isOurs || values.before === undefined) continue
  const before = await start(`${name} before`, "./worker.ts", [name, serving.url, resolve(values.before)])
  workers.set(`${name} before`, before.child)
}
const names = [...workers.keys()]

/** Streams of these are ten times slower, so a tenth of them is enough. */
const slow = new Set(["ai", "langchain"])

const measure = async (name: string, whole: Round): Promise<Measured> => {
  const round = bench === "stream" && slow.has(name) ? { ...whole, count: Math.ceil(whole.count / 10) } : whole
  const worker = workers.get(name)
  worker?.send(round)
  const [measured] = worker === undefined ? [] : await once(worker, "message")
  return measured
}

const hundredths = (number: number) => Math.round(number * 100) / 100

const sizes = plans[bench].sizes.filter(({ inFlight }) => chosen.length === 0 || chosen.includes(`${inFlight}`))
for (const { count, inFlight } of sizes) {
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
  /** The ratio to the figure of another subject; for CPU time, the inverse ratio, so that more is better. */
  const ratio = (all: ReadonlyArray<Measured>, other: ReadonlyArray<Measured>, figure: keyof Measured) =>
    hundredths(
      median(
        all.map((measured, round) =>
          figure === "cpuMicros"
            ? (other[round]?.cpuMicros ?? NaN) / measured.cpuMicros
            : measured.perSecond / (other[round]?.perSecond ?? NaN)
        )
      )
    )
  for (const [subject, all] of taken) {
    const before = taken.get(`${subject} before`)
    const row = {
      bench,
      subject,
      inFlight,
      perSecond: Math.round(median(all.map(({ perSecond }) => perSecond))),
      cpuMicros: hundredths(median(all.map(({ cpuMicros }) => cpuMicros))),
      toSdk: ratio(all, sdk, figure),
      ...(before && { toBefore: ratio(all, before, figure), cpuToBefore: ratio(all, before, "cpuMicros") })
    }
    const line = [row.subject.padEnd(24), `${inFlight} in flight`.padEnd(16), `${row.perSecond}/s`.padStart(12)]
    const ratios = [`${row.toSdk.toFixed(2)} × sdk`, row.toBefore && `${row.toBefore.toFixed(2)} × before`]
    const cpu = row.cpuToBefore && `(CPU ${row.cpuToBefore.toFixed(2)} ×)`
    console.log(
      json
        ? JSON.stringify(row)
        : [...line, `${row.cpuMicros} µs`.padStart(12), ...ratios, cpu].filter((part) => part !== undefined).join("  ")
    )
  }
}
stop()
