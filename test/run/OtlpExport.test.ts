import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { collector } from "../policy/telemetry/collector.ts"
import { at, folder, program, runOf } from "./cli.ts"
import { standIn } from "./standIn.ts"

/** Runs three rows with these variables, and returns the received data and the output of the command. */
const exported = (variables: (url: string) => Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const receiver = yield* collector
    const server = yield* Effect.promise(() => standIn())
    const files = { ...folder(3), job: "test/run/logging.job.ts" }
    const env = { ...at(server.url), ...variables(receiver.url) }
    const result = yield* program(runOf(files), { env })
    server.close()
    return { ...receiver, ...result }
  })

describe("the OTEL_* variables", () => {
  it.live("traces, metrics and logs arrive with only an endpoint set, and the terminal output does not change", () =>
    Effect.gen(function* () {
      const { code, everything, logs, metrics, spans, stderr } = yield* exported((url) => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: url
      }))
      assert.strictEqual(code, 0)
      const names = spans().map(({ name }) => name)
      assert.lengthOf(
        names.filter((name) => name === "row mails"),
        3
      )
      assert.lengthOf(
        names.filter((name) => name === "chat claude-sonnet-5-5"),
        3
      )
      assert.include(
        metrics().map(({ name }) => name),
        "gen_ai.client.inference.duration"
      )
      assert.lengthOf(logs(), 3)
      assert.include(everything(), '{"key":"service.name","value":{"stringValue":"effect-claude"}}')
      assert.match(stderr, /^\d\d:\d\d:\d\d INFO answering mail \d$/m)
    })
  )

  it.live("one signal can be turned off, and the service can have a name", () =>
    Effect.gen(function* () {
      const { everything, logs, spans } = yield* exported((url) => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_TRACES_EXPORTER: "none",
        OTEL_SERVICE_NAME: "night shift",
        OTEL_RESOURCE_ATTRIBUTES: "team=mail"
      }))
      assert.lengthOf(spans(), 0)
      assert.lengthOf(logs(), 3)
      assert.include(everything(), '{"key":"service.name","value":{"stringValue":"night shift"}}')
      assert.include(everything(), '{"key":"team","value":{"stringValue":"mail"}}')
    })
  )

  it.live("nothing is exported without an endpoint, or with OTEL_SDK_DISABLED", () =>
    Effect.gen(function* () {
      const off = yield* exported((url) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SDK_DISABLED: "true" }))
      assert.strictEqual(off.everything(), "")
      const none = yield* exported(() => ({ OTEL_TRACES_EXPORTER: "otlp", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }))
      assert.deepInclude(none, { code: 0 })
      assert.notInclude(none.stderr, "grpc")
    })
  )

  it.live("a protocol that is not supported is reported once, and the job runs", () =>
    Effect.gen(function* () {
      const variables = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }
      const { code, everything, stderr } = yield* exported((url) => ({
        ...variables,
        OTEL_EXPORTER_OTLP_ENDPOINT: url
      }))
      assert.strictEqual(code, 0)
      assert.strictEqual(everything(), "")
      assert.lengthOf(stderr.match(/OTEL_EXPORTER_OTLP_PROTOCOL is grpc, so nothing is exported/g) ?? [], 1)
    })
  )

  it.live("an unusable endpoint ends the command with 2", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* exported(() => ({ OTEL_EXPORTER_OTLP_ENDPOINT: "not a url" }))
      assert.strictEqual(code, 2)
      assert.match(stderr, /^effect-claude: the OTEL_\* variables are unusable: .*OTEL_EXPORTER_OTLP/)
    })
  )

  it.live("an unreachable collector prints nothing, and delays the end at most by the time-out", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* exported(() => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
        OTEL_EXPORTER_OTLP_TIMEOUT: "100"
      }))
      assert.strictEqual(code, 0)
      assert.notMatch(stderr, /ERROR|WARN|127\.0\.0\.1/)
    })
  )
})
