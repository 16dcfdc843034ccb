import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric, type Scope } from "effect"
import { Agent } from "node:http"
import * as HealthServer from "../../../src/run/work/HealthServer.ts"
import * as Metrics from "../../../src/run/work/Metrics.ts"
import { page } from "./page.ts"
import { parse, valueOf } from "./prometheus.ts"

describe("the health server", () => {
  it.live("answers /livez always, and /readyz with the reason if the worker is not ready", () =>
    Effect.gen(function* () {
      let problem: string | undefined = "mails: not submitted yet"
      const port = yield* serve(Effect.sync(() => problem))
      assert.deepInclude(yield* page(port, "/livez"), { status: 200, text: "alive\n" })
      assert.deepInclude(yield* page(port, "/readyz"), { status: 503, text: "not ready: mails: not submitted yet\n" })
      problem = undefined
      assert.deepInclude(yield* page(port, "/readyz"), { status: 200, text: "ready\n" })
      assert.deepInclude(yield* page(port, "/other"), { status: 404 })
    }).pipe(provide)
  )

  it.live("serves the metrics of the process in the text format of Prometheus", () =>
    Effect.gen(function* () {
      yield* Metrics.countWorker("pod-7")
      const port = yield* serve(Effect.undefined)
      const { status, text, type } = yield* page(port, "/metrics")
      assert.deepStrictEqual([status, type], [200, "text/plain; version=0.0.4; charset=utf-8"])
      assert.strictEqual(valueOf(parse(text), "effect_claude_worker_info", { worker: "pod-7" }), 1)
    }).pipe(provide)
  )

  it.live("ends at once, although a client keeps its connection open", () =>
    Effect.gen(function* () {
      const agent = new Agent({ keepAlive: true })
      yield* Effect.addFinalizer(() => Effect.sync(() => agent.destroy()))
      yield* Effect.scoped(Effect.flatMap(serve(Effect.undefined), (port) => page(port, "/livez", agent))).pipe(
        Effect.timeout("1 second")
      )
    }).pipe(provide)
  )

  it.live("refuses a port that is in use, and says what to change", () =>
    Effect.gen(function* () {
      const port = yield* serve(Effect.undefined)
      const { code, message } = yield* Effect.flip(HealthServer.serve({ problem: Effect.undefined }, port))
      assert.strictEqual(code, 2)
      assert.match(message, /^--health-port \d+: listen EADDRINUSE: .*; choose another port$/)
    }).pipe(provide)
  )
})

// Builders

const serve = (problem: Effect.Effect<string | undefined>) => HealthServer.serve({ problem }, 0)

const provide = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) =>
  effect.pipe(Effect.scoped, Effect.provideService(Metric.MetricRegistry, new Map()))
