/**
 * A lean API server in a separate process: it answers each call after a fixed time, and counts calls by worker and by
 * prompt. The path of an address names the worker: `/one/v1/messages`. It takes the arguments `[latency]` in milliseconds.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** The calls of one worker. Times are milliseconds since 1970. */
export interface Calls {
  readonly answered: number
  readonly inFlight: number
  readonly most: number
  readonly firstAt: number | undefined
  readonly answeredAt: number | undefined
}

/** What the server has seen. */
export interface State {
  readonly workers: Readonly<Record<string, Calls>>
  readonly answered: number
  /** Calls with a prompt that had been answered or was in flight. */
  readonly repeated: number
}

/** What a bench asks of the server. The answer to `first` comes when the worker makes a call that `of` had in flight. */
export type Question =
  | { readonly ask: "state" }
  | { readonly ask: "reset" }
  | { readonly ask: "latency"; readonly worker: string; readonly milliseconds: number }
  | { readonly ask: "first"; readonly of: string }

const latency = Number(process.argv[2] ?? "300")

interface Worker {
  answered: number
  most: number
  firstAt: number | undefined
  answeredAt: number | undefined
  latency: number
  readonly inFlight: Map<string, number>
}

let workers = new Map<string, Worker>()
let seen = new Map<string, number>()
let repeated = 0
let answered = 0
let watched: { readonly prompts: ReadonlySet<string>; readonly of: string } | undefined

const workerOf = (name: string): Worker => {
  const known = workers.get(name)
  if (known !== undefined) return known
  const worker = { answered: 0, most: 0, firstAt: undefined, answeredAt: undefined, latency, inFlight: new Map() }
  workers.set(name, worker)
  return worker
}

const usage = { input_tokens: 100, output_tokens: 50, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
const words = "The quick brown fox jumps over the lazy dog. ".repeat(5)
const answerOf = (row: string) =>
  `{"id":"msg_${row}","type":"message","role":"assistant","model":"claude-sonnet-5","content":[{"type":"text","text":"${words}(${row})"}],"stop_reason":"end_turn","stop_sequence":null,"usage":${JSON.stringify(usage)}}`

let requests = 0
const server = createServer((request, response) => {
  const [, name = "", version] = (request.url ?? "").split("/")
  if (version !== "v1" || request.method !== "POST") {
    request.resume()
    response.writeHead(404).end()
    return
  }
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (text: string) => (body += text))
  request.on("end", () => {
    const worker = workerOf(name)
    const [, step = "", row = ""] = /"(first|second)[^(]*\((\d+)\)/.exec(body) ?? []
    const key = `${step} ${row}`
    const now = Date.now()
    worker.firstAt ??= now
    if (watched !== undefined && name !== watched.of && watched.prompts.has(key)) {
      watched = undefined
      process.send?.({ first: now })
    }
    const times = seen.get(key) ?? 0
    seen.set(key, times + 1)
    if (times > 0) repeated += 1
    worker.inFlight.set(key, now)
    worker.most = Math.max(worker.most, worker.inFlight.size)
    setTimeout(() => {
      worker.inFlight.delete(key)
      if (response.destroyed) return
      worker.answered += 1
      answered += 1
      worker.answeredAt = Date.now()
      response
        .writeHead(200, { "content-type": "application/json", "request-id": `req_${requests++}` })
        .end(answerOf(row))
    }, worker.latency)
  })
})

const stateOf = (): State => ({
  workers: Object.fromEntries(
    Array.from(workers, ([name, { inFlight, ...worker }]) => [name, { ...worker, inFlight: inFlight.size }])
  ),
  answered,
  repeated
})

process.on("message", (question: Question) => {
  if (question.ask === "state") process.send?.(stateOf())
  if (question.ask === "latency") workerOf(question.worker).latency = question.milliseconds
  if (question.ask === "first") watched = { of: question.of, prompts: new Set(workerOf(question.of).inFlight.keys()) }
  if (question.ask === "reset") {
    workers = new Map()
    seen = new Map()
    repeated = answered = 0
    watched = undefined
  }
})
process.on("disconnect", () => process.exit())
server.keepAliveTimeout = 60_000
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo
  process.send?.({ url: `http://127.0.0.1:${port}` })
})
