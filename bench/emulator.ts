/**
 * `npm run bench -- emulator`: compares the emulator with a bare `node:http` server that sends the same bytes, with 64
 * calls in flight and a different prompt for each. Then measures the memory of the emulator, after garbage collection,
 * while it answers 200,000 requests.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { Agent, request } from "undici"
import type { Answer, State } from "./emulatorServer.ts"
import { median } from "./median.ts"

const inFlight = 64
const rounds = 5
const warmUp = 2
const dispatcher = new Agent({ connections: inFlight, pipelining: 1 })
const headers = { "content-type": "application/json", "anthropic-version": "2026-10-21", authorization: "Bearer key" }

let asked = 0
const ask = async (url: string, stream: boolean) => {
  const content = `${(asked += 1)}: why is the sky blue? ${"Some say that it is the air. ".repeat(15)}`
  const body = JSON.stringify({
    model: "claude-sonnet-5",
    max_tokens: 100,
    stream,
    messages: [{ role: "user", content }]
  })
  const answer = await request(`${url}/v1/messages`, { method: "POST", headers, body, dispatcher })
  if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${await answer.body.text()}`)
  return { headers: answer.headers, body: await answer.body.text() }
}

/** Answers per second. */
const load = async (url: string, stream: boolean, count: number) => {
  const start = performance.now()
  let left = count
  const worker = async () => {
    while (left-- > 0) await ask(url, stream)
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return (count * 1000) / (performance.now() - start)
}

interface Server {
  readonly process: ChildProcess
  readonly url: string
}

const start = async (kind: "emulator" | "bare", answer?: Answer): Promise<Server> => {
  const process = fork(new URL("./emulatorServer.ts", import.meta.url), [kind], {
    execArgv: ["--conditions=effect-claude-source", "--expose-gc"]
  })
  if (answer !== undefined) process.send(answer)
  const [url] = await once(process, "message")
  return { process, url: String(url) }
}

const state = async (server: ChildProcess): Promise<State> => {
  server.send("state")
  const [state] = await once(server, "message")
  return state
}

interface Measured {
  readonly perSecond: number
  /** CPU time of the server per answer. */
  readonly cpuMicros: number
}

/** Measures in alternating rounds, so that other load on the machine affects both servers. Returns the medians. */
const compare = async (servers: Readonly<Record<string, Server>>, stream: boolean) => {
  const count = 6000
  const taken = new Map<string, Array<Measured>>()
  for (let round = 0; round < warmUp + rounds; round++) {
    for (const [name, { process, url }] of Object.entries(servers)) {
      const before = await state(process)
      const perSecond = await load(url, stream, count)
      const cpuMicros = ((await state(process)).cpuMicros - before.cpuMicros) / count
      if (round >= warmUp) taken.set(name, [...(taken.get(name) ?? []), { perSecond, cpuMicros }])
    }
  }
  return [...taken].map(([name, all]) => ({
    name,
    perSecond: Math.round(median(all.map(({ perSecond }) => perSecond))),
    cpuMicros: Math.round(median(all.map(({ cpuMicros }) => cpuMicros)))
  }))
}

const ofConnection = new Set(["date", "connection", "keep-alive", "transfer-encoding"])

for (const stream of [false, true]) {
  const emulator = await start("emulator")
  const { body, headers } = await ask(emulator.url, stream)
  const kept = Object.entries(headers).filter(([name]) => !ofConnection.has(name))
  const bare = await start("bare", {
    body,
    headers: Object.fromEntries(kept.map(([name, value]) => [name, String(value)]))
  })
  const rows = await compare({ emulator, "node:http": bare }, stream)
  for (const { cpuMicros, name, perSecond } of rows) {
    const cells = [name.padEnd(12), `${stream ? "streams" : "messages"} of ${body.length} bytes, ${inFlight} in flight`]
    const ratio = `${(perSecond / (rows[1]?.perSecond ?? 1)).toFixed(2)} × node:http`
    console.log(...cells, `${perSecond}/s`.padStart(10), `${cpuMicros} µs`.padStart(8), ratio.padStart(18))
  }
  emulator.process.kill()
  bare.process.kill()
}

const emulator = await start("emulator")
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
for (const answered of [0, 50_000, 100_000, 150_000, 200_000]) {
  if (answered > 0) await load(emulator.url, false, 50_000)
  const { heapUsed, rss } = await state(emulator.process)
  console.log(`after ${answered} requests: heap ${megabytes(heapUsed)}, resident ${megabytes(rss)}`)
}
emulator.process.kill()
await dispatcher.close()
