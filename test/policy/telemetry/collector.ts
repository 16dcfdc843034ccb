/** A real OTLP endpoint on loopback: keeps the JSON bodies that exporters post to it. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Value = Schema.Record(Schema.String, Schema.Unknown)
const KeyValues = Schema.Array(Schema.Struct({ key: Schema.String, value: Value }))

const Span = Schema.Struct({
  traceId: Schema.String,
  spanId: Schema.String,
  parentSpanId: Schema.optionalKey(Schema.String),
  name: Schema.String,
  kind: Schema.Int,
  startTimeUnixNano: Schema.BigIntFromString,
  endTimeUnixNano: Schema.BigIntFromString,
  attributes: KeyValues,
  events: Schema.Array(Schema.Struct({ name: Schema.String, attributes: KeyValues })),
  status: Schema.Struct({ code: Schema.Int, message: Schema.optionalKey(Schema.String) })
})
export type Span = typeof Span.Type

const Point = Schema.Struct({
  attributes: KeyValues,
  explicitBounds: Schema.optionalKey(Schema.Array(Schema.Finite)),
  count: Schema.optionalKey(Schema.Finite),
  sum: Schema.optionalKey(Schema.Finite),
  asDouble: Schema.optionalKey(Schema.Finite)
})

const Data = Schema.optionalKey(Schema.Struct({ dataPoints: Schema.Array(Point) }))
const Metric = Schema.Struct({ name: Schema.String, unit: Schema.String, sum: Data, histogram: Data })
export type Metric = typeof Metric.Type

const Record = Schema.Struct({ severityText: Schema.String, attributes: KeyValues, body: Value })
export type Record = typeof Record.Type

const Traces = Schema.Struct({
  resourceSpans: Schema.Array(
    Schema.Struct({
      resource: Schema.Struct({ attributes: KeyValues }),
      scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(Span) }))
    })
  )
})
const Metrics = Schema.Struct({
  resourceMetrics: Schema.Array(
    Schema.Struct({ scopeMetrics: Schema.Array(Schema.Struct({ metrics: Schema.Array(Metric) })) })
  )
})
const Logs = Schema.Struct({
  resourceLogs: Schema.Array(
    Schema.Struct({ scopeLogs: Schema.Array(Schema.Struct({ logRecords: Schema.Array(Record) })) })
  )
})

/** Listens until the scope closes. */
export const collector = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly bodies: Map<string, Array<string>>; readonly close: () => void }>(
    (resume) => {
      const bodies = new Map<string, Array<string>>()
      const server = createServer((request, response) => {
        void text(request).then((body) => {
          bodies.set(request.url ?? "", [...(bodies.get(request.url ?? "") ?? []), body])
          return response.writeHead(200, { "content-type": "application/json" }).end("{}")
        })
      })
      server.listen(0, "127.0.0.1", () => {
        // A server that listens on a port has an address with one.
        const { port } = server.address() as AddressInfo
        const close = () => {
          server.closeAllConnections()
          server.close()
        }
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, bodies, close }))
      })
    }
  ),
  ({ close }) => Effect.sync(close)
).pipe(
  Effect.map(({ bodies, url }) => {
    const received = (path: string) => bodies.get(path) ?? []
    const resources = () => received("/v1/traces").flatMap((body) => decodeTraces(body).resourceSpans)
    return {
      url,
      /** All received bodies, as text. */
      everything: () => [...bodies.values()].flat().join("\n"),
      spans: () => resources().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
      /** The spans of the processes with this `service.instance.id`. */
      spansOf: (instance: string) =>
        resources()
          .filter(({ resource }) => attributesOf(resource)["service.instance.id"]?.value === instance)
          .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
      /** The metrics of the last export, since totals are cumulative. */
      metrics: () =>
        received("/v1/metrics")
          .slice(-1)
          .flatMap((body) =>
            decodeMetrics(body).resourceMetrics.flatMap(({ scopeMetrics }) =>
              scopeMetrics.flatMap(({ metrics }) => metrics)
            )
          ),
      logs: () =>
        received("/v1/logs").flatMap((body) =>
          decodeLogs(body).resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords))
        )
    }
  })
)

const decodeTraces = Schema.decodeUnknownSync(Schema.fromJsonString(Traces))
const decodeMetrics = Schema.decodeUnknownSync(Schema.fromJsonString(Metrics))
const decodeLogs = Schema.decodeUnknownSync(Schema.fromJsonString(Logs))

/** The attributes of a span, an event or a point, by name: the OTLP type and the value. */
export const attributesOf = ({ attributes }: { readonly attributes: typeof KeyValues.Type }) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [type = "", content] = Object.entries(value)[0] ?? []
      return [key, { type, value: type === "intValue" ? Number(content) : content }]
    })
  )
