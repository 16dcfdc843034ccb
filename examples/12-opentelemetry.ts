// How do I see calls in Grafana, Jaeger or any other OpenTelemetry backend? The usual variables name where spans,
// metrics and logs go: OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 OTEL_TRACES_EXPORTER=otlp
// OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp. Without them nothing is sent.
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { Otlp, OtlpSerialization } from "effect/observability"
import { Batch, Claude, Step } from "effect-claude"

const letters = ["The kettle does not switch off.", "The lamp does not switch on.", "The radio talks back."]

const read = Step.text("read", (letter: string) => `Say in one sentence what this letter is about: ${letter}`)

const program = Effect.gen(function* () {
  const results = yield* Batch.map(letters, read)
  yield* Console.log(`${results.length} letters read`)
}).pipe(Effect.withSpan("letters"))

const exporter = Otlp.layerFromConfig({ resource: { serviceName: "letters" } }).pipe(
  Layer.provide([FetchHttpClient.layer, OtlpSerialization.layerJson])
)

const live = Claude.layerConfig().pipe(Claude.stack(), Layer.provideMerge(exporter))

program.pipe(Effect.provide(live), NodeRuntime.runMain)
