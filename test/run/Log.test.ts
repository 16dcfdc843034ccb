import { assert, describe, it } from "@effect/vitest"
import { Telemetry } from "effect-claude"
import { Cause, Console, Effect } from "effect"
import * as Log from "../../src/run/Log.ts"

describe("log lines of JSON", () => {
  it.effect("have the record, its annotations, the worker and the span", () =>
    Effect.gen(function* () {
      const records = yield* printed(
        Effect.logWarning("answering", { mail: 7 }).pipe(
          Effect.annotateLogs({ tenant: "acme", count: 2 }),
          Effect.withSpan("step")
        )
      )
      const [span] = yield* Effect.flatten(Telemetry.Spans)
      assert.deepStrictEqual(records, [
        {
          time: "1970-01-01T00:00:00.000Z",
          level: "WARN",
          message: 'answering {"mail":7}',
          worker: "pod-7",
          annotations: { tenant: "acme", count: "2" },
          trace_id: span?.traceId,
          span_id: span?.spanId
        }
      ])
    }).pipe(Effect.provide(Telemetry.layerSpans))
  )

  it.effect("are one line each, also with a cause of several lines, and have no secret", () =>
    Effect.gen(function* () {
      const key = `sk-ant-${"secret".repeat(5)}`
      const cause = Cause.die(new Error(`"${key}"\nis no key`))
      const [record] = yield* printed(Effect.logError(key, cause).pipe(Effect.annotateLogs("key", key)))
      assert.deepInclude(record, { level: "ERROR", message: "[redacted]", annotations: { key: "[redacted]" } })
      assert.include(String(record?.["cause"]), '"[redacted]"\nis no key')
    })
  )

  it.effect("hold what the program writes to the console", () =>
    Effect.gen(function* () {
      const records = yield* printed(
        Effect.andThen(Console.error("mails: waits"), Console.log("a result of", 3, "lines\nor more"))
      )
      assert.deepStrictEqual(
        records.map(({ level, message, worker }) => [level, message, worker]),
        [
          ["INFO", "mails: waits", "pod-7"],
          ["INFO", "a result of 3 lines\nor more", "pod-7"]
        ]
      )
    })
  )
})

// Builders

/** What an effect prints, each line decoded. */
const printed = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const lines: Array<unknown> = []
  const console = { ...globalThis.console, error: (line: unknown) => void lines.push(line) }
  yield* effect.pipe(Effect.provide(Log.layerJson("pod-7")), Effect.provideService(Console.Console, console))
  return lines.map((line): Record<string, unknown> => JSON.parse(String(line)))
})
