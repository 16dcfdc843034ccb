/**
 * The emulator on a socket of this machine. It is the only part that needs Node, and is loaded when a server starts.
 *
 * A listening server cannot refuse a connection: for the fault `refused` it closes the socket without a response.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import { createServer } from "node:http"
import * as Exchange from "./Exchange.ts"

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
    const { socket } = NodeHttpServerRequest.toIncomingMessage(request)
    const drop = ({ how }: Exchange.Dropped) =>
      Effect.sync(() => (how === "reset" ? socket.resetAndDestroy() : socket.destroy())).pipe(
        Effect.andThen(Effect.never)
      )
    const response = yield* Effect.catch(handle({ method, path: url, headers, body }), drop)
    return toServerResponse(response, drop)
  })
  // Handlers are uninterruptible by default: a client that hangs up would leave them waiting.
  yield* server.serve(Effect.interruptible(respond))
  return HttpServer.formatAddress(server.address)
})

const toServerResponse = (
  { body, headers, status }: Exchange.Response,
  drop: (dropped: Exchange.Dropped) => Effect.Effect<never>
): HttpServerResponse.HttpServerResponse =>
  typeof body === "string"
    ? HttpServerResponse.text(body, { status, headers })
    : HttpServerResponse.stream(
        Stream.catch(Stream.map(body, Exchange.bytes), (dropped) => Stream.fromEffect(drop(dropped))),
        { status, headers }
      )
