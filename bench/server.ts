/**
 * A server that always sends the same answer, so that the bench measures the client. It sends streams in bursts, or one
 * event at a time with the argument `paced`. After the argument `job` comes the length of the answer in tokens. It
 * reports its address to the parent process.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** The report to the parent process: the address, and the number of deltas in each stream. */
export interface Serving {
  readonly url: string
  readonly deltas: number
}

const deltas = 500
const paced = process.argv[2] === "paced"
const tokens = process.argv[2] === "job" ? Number(process.argv[3]) : 100
const sentence = "The quick brown fox jumps over the lazy dog. "

const usage = { input_tokens: 100, output_tokens: tokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
const message = {
  id: "msg_bench",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-5",
  content: [{ type: "text", text: sentence.repeat(tokens / 10) }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage
}
const event = (data: { readonly type: string }) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
const delta = event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: " words" } } as never)

const answer = Buffer.from(JSON.stringify(message))
const opening = Buffer.from(
  event({ type: "message_start", message: { ...message, content: [], stop_reason: null } } as never) +
    event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } } as never)
)
const one = Buffer.from(delta)
const ten = Buffer.from(delta.repeat(10))
const closing = Buffer.from(
  event({ type: "content_block_stop", index: 0 } as never) +
    event({ type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage } as never) +
    event({ type: "message_stop" })
)

const server = createServer((request, response) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk) => chunks.push(chunk))
  request.on("end", () => {
    if (!Buffer.concat(chunks).includes('"stream":true')) {
      response.writeHead(200, { "content-type": "application/json", "request-id": "req_bench" }).end(answer)
      return
    }
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "request-id": "req_bench" })
    response.write(opening)
    let left = paced ? deltas : deltas / 10
    const send = (): unknown => {
      if (left-- === 0) return response.end(closing)
      const more = response.write(paced ? one : ten)
      return paced ? setTimeout(send, 1) : more ? send() : response.once("drain", send)
    }
    send()
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo
  process.send?.({ url: `http://127.0.0.1:${port}`, deltas } satisfies Serving)
})
