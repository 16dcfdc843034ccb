/**
 * A server that speaks the API and is not our emulator. It answers every call with the same text, with what a function
 * makes of the request, or with a failure.
 */
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"

/** The failure of the n-th call (from 1): a status, or a closed connection. `undefined` is the usual answer. */
export type Failures = (call: number) => number | "hang up" | undefined

const send = (response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}) =>
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))

/** What the tests read of a request. */
export interface Asked {
  readonly model: string
  readonly max_tokens: number
  readonly system?: string
  readonly messages: readonly [{ readonly role: string; readonly content: string }]
  readonly output_config?: {
    readonly format?: { readonly schema: { readonly properties: Readonly<Record<string, unknown>> } }
  }
}

/** Starts the server on a free port. */
export const standIn = async (
  failures: Failures = () => undefined,
  answer: (request: Asked) => string = () => "An answer."
) => {
  let calls = 0
  const requests: Array<Asked> = []
  const times: Array<number> = []
  const server = createServer(async (request, response) => {
    const body = await text(request)
    if (request.method === "GET") return send(response, 404, { type: "error", error: { type: "not_found_error" } })
    const asked: Asked = JSON.parse(body)
    requests.push(asked)
    times.push(Date.now())
    const failure = failures(++calls)
    if (failure === "hang up") {
      request.socket.destroy()
      return server.close()
    }
    const requestId = `req_stand_in_${calls}`
    if (failure !== undefined) {
      const [type, message] = errors[failure] ?? ["api_error", "Internal server error"]
      const headers = { "request-id": requestId, ...(failure === 429 && { "retry-after-ms": "20" }) }
      return send(response, failure, { type: "error", error: { type, message }, request_id: requestId }, headers)
    }
    send(
      response,
      200,
      {
        id: `msg_${calls}`,
        type: "message",
        role: "assistant",
        model: "claude-haiku-4-5",
        content: [{ type: "text", text: answer(asked) }],
        stop_reason: "end_turn",
        stop_sequence: null,
        usage: { input_tokens: 10, output_tokens: 3 }
      },
      { "request-id": requestId }
    )
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo // a TCP server has no other kind of address
  return {
    url: `http://127.0.0.1:${port}`,
    calls: () => calls,
    requests: () => requests,
    models: () => requests.map(({ model }) => model),
    /** When the calls arrived, in milliseconds since 1970. */
    times: () => times,
    close: () => void server.close()
  }
}

const errors: Record<number, readonly [string, string]> = {
  401: ["authentication_error", "invalid x-api-key"],
  404: ["not_found_error", "model: claude-retired-1"],
  429: ["rate_limit_error", "This request would exceed your rate limit"],
  529: ["overloaded_error", "Overloaded"]
}
