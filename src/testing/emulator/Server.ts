/**
 * The emulator on a socket of this machine. The only part that needs Node: it is loaded when a server is started.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import { createServer } from "node:http"
import type * as Exchange from "./Exchange.ts"

/** Serves until the scope closes; what is in flight then is interrupted. Gives the address, such as `http://127.0.0.1:8787`. */
export const serve = Effect.fnUntraced(function* (
  handle: Exchange.Handler,
  address: { readonly host: string; readonly port: number }
) {
  const nodeServer = createServer()
  const server = yield* NodeHttpServer.make(() => nodeServer, { ...address, disablePreemptiveShutdown: true })
  // Otherwise closing would wait for connections that clients keep open for a next call.
  yield* Effect.addFinalizer(() => Effect.sync(() => nodeServer.closeAllConnections()))
  const respond = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { headers, method, url } = request
    const body = method === "GET" ? "" : yield* request.text
    return toServerResponse(yield* handle({ method, path: url, headers, body }))
  })
  // Handlers are not interruptible by themselves: a client that hangs up would leave them waiting.
  yield* server.serve(Effect.interruptible(respond))
  return HttpServer.formatAddress(server.address)
})

const toServerResponse = ({ body, headers, status }: Exchange.Response): HttpServerResponse.HttpServerResponse =>
  typeof body === "string"
    ? HttpServerResponse.text(body, { status, headers })
    : HttpServerResponse.stream(Stream.encodeText(body), { status, headers })
