// How do I stream an answer over HTTP?
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Stream } from "effect"
import { Claude } from "effect-claude"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"

const ask = HttpRouter.add(
  "POST",
  "/ask",
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const answer = Claude.streamText(yield* request.text).pipe(Stream.encodeText)
    const live = yield* Effect.context<Claude.Claude>()
    return HttpServerResponse.stream(Stream.provideContext(answer, live), { contentType: "text/plain; charset=utf-8" })
  })
)

HttpRouter.serve(ask).pipe(
  Layer.provide([NodeHttpServer.layer(createServer, { port: 3000 }), Claude.layerConfig().pipe(Claude.stack())]),
  Layer.launch,
  NodeRuntime.runMain
)
