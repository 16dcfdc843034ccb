#!/usr/bin/env bash
# Guess: with OTEL_EXPORTER_OTLP_ENDPOINT set, spans are sent there: by the OpenTelemetry specification the default of
#   OTEL_TRACES_EXPORTER is "otlp". And OTEL_TRACES_SAMPLER=always_off sends none.
# Seen: Otlp.layerFromConfig sends nothing until OTEL_TRACES_EXPORTER=otlp is set, and ignores OTEL_TRACES_SAMPLER.
#   OTEL_SDK_DISABLED=true is obeyed.
# Versions: effect 4.1.0, Node 24.
# Source: the run below; the specification: opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables.
# For users: an empty dashboard usually means that OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER or OTEL_LOGS_EXPORTER is
#   missing. To turn spans off, unset the exporter.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund effect@4.1.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer } from "node:http"
import { ConfigProvider, Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { Otlp, OtlpSerialization } from "effect/observability"

let requests = 0
const server = createServer((request, response) => {
  if (request.url === "/v1/traces") requests += 1
  request.resume().on("end", () => response.end("{}"))
}).listen(0, "127.0.0.1")
await once(server, "listening")

const sent = async (variables) => {
  requests = 0
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.address().port}`, ...variables }
  const exporter = Otlp.layerFromConfig({ resource: { serviceName: "finding" } }).pipe(
    Layer.provide([
      FetchHttpClient.layer,
      OtlpSerialization.layerJson,
      ConfigProvider.layer(ConfigProvider.fromEnv({ env }))
    ])
  )
  await Effect.runPromise(Effect.void.pipe(Effect.withSpan("a span"), Effect.provide(exporter)))
  return requests
}

const seen = {
  "endpoint alone": await sent({}),
  exporter: await sent({ OTEL_TRACES_EXPORTER: "otlp" }),
  "exporter, sampler always_off": await sent({ OTEL_TRACES_EXPORTER: "otlp", OTEL_TRACES_SAMPLER: "always_off" }),
  "exporter, SDK disabled": await sent({ OTEL_TRACES_EXPORTER: "otlp", OTEL_SDK_DISABLED: "true" })
}
server.close()
console.log(seen)
assert.deepEqual(Object.values(seen), [0, 1, 1, 0])
JS
node run.js
