/**
 * Exports traces, metrics and logs over OTLP where the usual `OTEL_*` variables name an endpoint. As in OpenTelemetry's
 * own SDKs, an endpoint is enough; `OTEL_TRACES_EXPORTER=none` and its siblings turn one signal off.
 */
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Otlp from "effect/observability/Otlp"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import { redact } from "../claude/Redact.ts"
import * as ErrorText from "./ErrorText.ts"
import { ExitWith } from "./ExitWith.ts"

/** Effect's exporters need a service name, and the name of an exporter for each signal. */
const defaults = ConfigProvider.fromUnknown({
  OTEL_SERVICE_NAME: "effect-claude",
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_LOGS_EXPORTER: "otlp"
})

const text = (name: string) => Config.option(Config.NonEmptyString(name))

const settings = Config.all({
  isDisabled: Config.Boolean("OTEL_SDK_DISABLED").pipe(Config.withDefault(false)),
  endpoints: Config.all(
    ["", "TRACES_", "METRICS_", "LOGS_"].map((signal) => text(`OTEL_EXPORTER_OTLP_${signal}ENDPOINT`))
  ),
  protocol: text("OTEL_EXPORTER_OTLP_PROTOCOL"),
  attributes: text("OTEL_RESOURCE_ATTRIBUTES")
})

/** The exporters that the variables ask for; none without an endpoint. */
export const layer: Layer.Layer<never, ExitWith> = Layer.suspend(() => exporting({}))

/** The same for one of several processes, whose name is `service.instance.id` unless the variables have another one. */
export const layerOf = (instance: string): Layer.Layer<never, ExitWith> =>
  exporting({ "service.instance.id": instance })

const exporting = (resource: Readonly<Record<string, string>>) =>
  Layer.unwrap(exporters(resource)).pipe(
    Layer.catchCause((cause) =>
      Layer.effectDiscard(
        Effect.fail(
          new ExitWith(
            2,
            `the OTEL_* variables are unusable: ${redact(ErrorText.of(Cause.squash(cause)).replaceAll(/\s*\n\s*/g, " "))}`
          )
        )
      )
    )
  )

const exporters = Effect.fnUntraced(function* (resource: Readonly<Record<string, string>>) {
  const variables = yield* ConfigProvider.ConfigProvider
  const { attributes, endpoints, isDisabled, protocol } = yield* settings
  if (isDisabled || !endpoints.some(Option.isSome)) return Layer.empty
  const wire = Option.getOrElse(protocol, () => "http/json")
  const serialization = serializations[wire]
  if (serialization === undefined) {
    yield* Effect.logWarning(
      `OTEL_EXPORTER_OTLP_PROTOCOL is ${wire}, so nothing is exported; set it to http/json or http/protobuf`
    )
    return Layer.empty
  }
  const given = Option.getOrElse(attributes, () => "")
  return Otlp.layerFromConfig({
    loggerMergeWithExisting: true,
    resource: { attributes: Record.filter(resource, (_, name) => !given.includes(`${name}=`)) }
  }).pipe(
    Layer.provide([FetchHttpClient.layer, serialization]),
    Layer.provide(ConfigProvider.layer(ConfigProvider.orElse(variables, defaults)))
  )
})

const serializations: Readonly<Record<string, Layer.Layer<OtlpSerialization.OtlpSerialization>>> = {
  "http/json": OtlpSerialization.layerJson,
  "http/protobuf": OtlpSerialization.layerProtobuf
}
