/**
 * Recorded exchanges with the real API, from the folder that `WIRE_CORPUS` names, and a server that replays them.
 */
import * as Schema from "effect/Schema"
import { readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"

const Recorded = Schema.Struct({
  method: Schema.String,
  path: Schema.String,
  request: Schema.Unknown,
  status: Schema.Int,
  headers: Schema.Record(Schema.String, Schema.String),
  body: Schema.String
})
const decodeFile = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ exchanges: Schema.Array(Recorded) })))

/** One exchange, and the name of its file. */
export interface Exchange extends Schema.Schema.Type<typeof Recorded> {
  readonly name: string
}

/**
 * Every exchange of every file, with bodies decoded where they were recorded in Base64. Cancellations of batches are left
 * out: the conformance tests cover them.
 */
export const load = (folder: string): ReadonlyArray<Exchange> =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .flatMap((file) =>
      decodeFile(readFileSync(join(folder, file), "utf8")).exchanges.map((exchange, index) => ({
        ...exchange,
        body: asText(exchange.body),
        name: `${file} ${index}`
      }))
    )
    .filter(({ path }) => !/\/cancel(\?|$)/.test(path))

const asText = (body: string): string =>
  /^[A-Za-z0-9+/=\s]+$/.test(body) ? Buffer.from(body, "base64").toString("utf8") : body

/** The kind of an exchange. */
export const kindOf = ({ body, path, request, status }: Exchange): string => {
  const route = new URL(path, "http://host").pathname
  const what = /count_tokens/.test(route) ? "count_tokens" : /batches/.test(route) ? "batches" : "messages"
  if (status >= 400) return `${what}, error`
  if (what === "batches")
    return /results/.test(route) || body.startsWith('{"custom_id"') ? "batches, results" : "batches"
  return isStreamed(request) ? `${what}, stream` : what
}

const isStreamed = (request: unknown): boolean =>
  typeof request === "object" && request !== null && "stream" in request && request.stream === true

/** A server that replays exchanges. */
export type Replay = Awaited<ReturnType<typeof replay>>

/** Replays the n-th exchange at `/n/…`; remembers the body of the last request. */
export const replay = async (exchanges: ReadonlyArray<Exchange>) => {
  const received = new Map<number, unknown>()
  const server = createServer((request, response) => {
    const index = Number(request.url?.split("/")[1])
    const exchange = exchanges[index]
    let text = ""
    request.setEncoding("utf8").on("data", (chunk) => (text += chunk))
    request.on("end", () => {
      received.set(index, text === "" ? undefined : JSON.parse(text))
      if (exchange === undefined) return response.writeHead(404).end()
      if (kindOf(exchange) === "batches, results" && !request.url?.endsWith("/results")) {
        // The SDK first gets the batch, which names the address of its results.
        const batch = { id: "msgbatch_1", results_url: `http://${request.headers.host}/${index}/results` }
        return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(batch))
      }
      response.writeHead(exchange.status, exchange.headers).end(exchange.body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo // a TCP server has no other kind of address
  return {
    url: (index: number) => `http://127.0.0.1:${port}/${index}`,
    received: (index: number) => received.get(index),
    close: () => server.close()
  }
}
