/**
 * The health of a worker over HTTP, for orchestrators and Prometheus: `/livez`, `/readyz` and `/metrics`. It answers on all
 * addresses of the machine and without a password; its pages hold numbers, and names of jobs and models.
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as ErrorText from "../ErrorText.ts"
import { ExitWith } from "../ExitWith.ts"
import type { Readiness } from "./Readiness.ts"

/** Serves until the scope closes, and gives the port; with port 0, the system chooses one. */
export const serve = Effect.fnUntraced(function* ({ problem }: Pick<Readiness, "problem">, port: number) {
  const nodeServer = createServer()
  const server = yield* NodeHttpServer.make(() => nodeServer, { port, disablePreemptiveShutdown: true }).pipe(
    Effect.mapError(
      ({ cause }) => new ExitWith(2, `--health-port ${port}: ${ErrorText.of(cause)}; choose another port`)
    )
  )
  // A client that keeps its connection open must not delay the end of the worker.
  yield* Effect.addFinalizer(() => Effect.sync(() => nodeServer.closeAllConnections()))
  const ready = Effect.map(problem, (problem) =>
    problem === undefined
      ? HttpServerResponse.text("ready\n")
      : HttpServerResponse.text(`not ready: ${problem}\n`, { status: 503 })
  )
  const routes = Layer.mergeAll(
    HttpRouter.add("GET", "/livez", HttpServerResponse.text("alive\n")),
    HttpRouter.add("GET", "/readyz", ready),
    PrometheusMetrics.layerHttp()
  )
  yield* Layer.build(
    HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provide([
        Layer.succeed(HttpServer.HttpServer, server),
        // Probes would fill the traces.
        Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true)
      ])
    )
  )
  return "port" in server.address ? server.address.port : port
})
