/**
 * An emulator in a separate process that counts the calls of each worker: the first part of a path names the worker, as in
 * `/worker-1/v1/messages`. It bills a call also where its client has gone. `GET /__counts` gives the counts, and its
 * arguments are the options of the emulator as JSON.
 */
import { BigDecimal, Context, Effect, Layer } from "effect"
import { Cost } from "effect-claude"
import { Emulator } from "effect-claude/testing"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"

/** The calls of one worker. */
export interface WorkerCalls {
  readonly inFlight: number
  /** Calls with a reply, whether the worker has stored it or not. */
  readonly replies: number
}

/** What the emulator has seen. */
export interface Counts {
  readonly workers: Readonly<Record<string, WorkerCalls>>
  readonly sent: number
  readonly refused: number
  readonly billed: number
  /** Billed calls with different requests. */
  readonly different: number
  /** In US dollars. */
  readonly spent: number
}

const options: Emulator.Options = JSON.parse(process.argv[2] ?? "{}")
const workers = new Map<string, { inFlight: number; replies: number }>()
let sent = 0
let refused = 0

const workerOf = (name: string) => {
  const known = workers.get(name) ?? { inFlight: 0, replies: 0 }
  workers.set(name, known)
  return known
}

const program = Effect.gen(function* () {
  const run = Effect.runPromiseWith(yield* Effect.context())
  const context = yield* Layer.build(Emulator.transport(options))
  const { fetch, ledger, url } = Context.get(context, Emulator.Emulator)
  const counts = Effect.map(ledger, (calls): Counts => {
    const at = new Date()
    const cost = Cost.sum(calls.map(({ model, usage }) => Cost.of({ model, usage, at })))
    return {
      workers: Object.fromEntries(workers),
      sent,
      refused,
      billed: calls.length,
      different: new Set(calls.map(({ requestHash }) => requestHash)).size,
      spent: cost === undefined ? 0 : BigDecimal.toNumberUnsafe(cost)
    }
  })
  const forward = async (request: IncomingMessage, response: ServerResponse) => {
    const [, name = "", ...rest] = (request.url ?? "").split("/")
    if (name === "__counts") return response.end(JSON.stringify(await run(counts)))
    const body = await text(request)
    const isCall = request.method === "POST"
    const worker = workerOf(name)
    if (isCall) {
      sent += 1
      worker.inFlight += 1
    }
    const headers = new Headers()
    for (const [header, value] of Object.entries(request.headers)) {
      if (typeof value === "string" && header !== "content-length") headers.set(header, value)
    }
    const answer = await fetch(`${url}/${rest.join("/")}`, {
      headers,
      method: request.method ?? "GET",
      ...(isCall && { body })
    })
      .then(async (answer) => ({ answer, body: await answer.text() }))
      .catch(() => undefined)
    if (isCall) {
      worker.inFlight -= 1
      if (answer?.answer.status === 200) worker.replies += 1
    }
    if (answer === undefined) return response.destroy()
    if (answer.answer.status === 429) refused += 1
    return response.writeHead(answer.answer.status, Object.fromEntries(answer.answer.headers)).end(answer.body)
  }
  const server = createServer((request, response) => void forward(request, response))
  server.keepAliveTimeout = 60_000
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    process.stdout.write(`http://127.0.0.1:${typeof address === "object" ? address?.port : ""}\n`)
  })
  return yield* Effect.never
})

Effect.runFork(Effect.scoped(program))
