// How do I stream an answer over HTTP?
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { Claude } from "effect-claude"
import { Http } from "effect-claude/node"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { createServer } from "node:http"

// An error before the first text becomes problem details, such as 429 with `retry-after`.
const ask = HttpRouter.add(
  "POST",
  "/ask",
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    return yield* Http.text(Claude.streamText(yield* request.text))
  })
)

HttpRouter.serve(ask).pipe(
  Layer.provide([NodeHttpServer.layer(createServer, { port: 3000 }), Claude.layerConfig().pipe(Claude.stack())]),
  Layer.launch,
  NodeRuntime.runMain
)
