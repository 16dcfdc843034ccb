import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Claude, Event } from "effect-claude"
import { Emulator } from "effect-claude/testing"
import { ConfigProvider, Context, Effect, Layer, Option } from "effect"
import * as WorkerClaude from "../../../src/run/work/WorkerClaude.ts"
import { at } from "../cli.ts"

describe("the Claude of the jobs of a worker", () => {
  it.live("has one concurrency for all jobs", () =>
    Effect.gen(function* () {
      const { calls, emulated, ofJob } = yield* claudeOf({ concurrency: Option.some(3) })
      assert.deepStrictEqual([calls, emulated], [3, true])
      let now = 0
      let most = 0
      const count = (event: Event.Event) => {
        if (event._tag === "call-sent") most = Math.max(most, ++now)
        if (event._tag === "call-finished") now -= 1
      }
      const calling = Effect.replicateEffect(Claude.generateText("Hello."), 6, { concurrency: 6 })
      yield* Effect.all([calling.pipe(Effect.provide(ofJob({}))), calling.pipe(Effect.provide(ofJob({})))], {
        concurrency: 2
      }).pipe(Event.listen((event) => Effect.sync(() => count(event))))
      assert.strictEqual(most, 3)
    }).pipe(provide)
  )

  it.live("has a budget for each job", () =>
    Effect.gen(function* () {
      const { ofJob } = yield* claudeOf({})
      const call = Claude.generateText("Hello.")
      const error = yield* Effect.flip(Effect.provide(call, ofJob({ budget: "0.000001 USD" })))
      assert.strictEqual(error._tag === "ClaudeError" ? error.reason._tag : error._tag, "BudgetExceeded")
      yield* Effect.provide(call, ofJob({ budget: "1 USD" }))
    }).pipe(provide)
  )
})

// Builders

const none = Option.none()

const flags = {
  jobs: ["unused.job.ts"],
  database: none,
  name: none,
  healthPort: none,
  json: false,
  cache: none,
  concurrency: none,
  emulator: false,
  fallback: none,
  itpm: none,
  model: none,
  onlyResults: false,
  otpm: none,
  promptCache: none,
  queue: none,
  redis: none,
  rpm: none
} as const

/** The Claude of a worker with these flags, on an emulator. */
const claudeOf = Effect.fnUntraced(function* (given: { readonly concurrency?: Option.Option<number> }) {
  const { url } = Context.get(yield* Layer.build(Emulator.layerServer({ latency: 20 })), Emulator.Emulator)
  return yield* Effect.provide(
    WorkerClaude.make({ ...flags, ...given }),
    ConfigProvider.layer(ConfigProvider.fromEnv({ env: at(url) }))
  )
})

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.scoped, Effect.provide(NodeServices.layer))
