/**
 * The tool loop under layers: policies, a cassette, and the emulator, whole and as a stream. Rate limits that are learnt
 * let calls in over time, so these tests use the real clock.
 */
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Claude, ResponseCache } from "effect-claude"
import { Cassette, Emulator, TestClaude } from "effect-claude/testing"
import { BigDecimal, ConfigProvider, Effect, Layer, Schema, Stream } from "effect"
import { Tool, Toolkit } from "effect/ai"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Transport } from "../../src/claude/Transport.ts"
import { lookups } from "../pipeline/lookups.ts"

describe("the tool loop", () => {
  it.live("gives the same reply under all policies as without, whole and as a stream", () =>
    Effect.gen(function* () {
      const plain = yield* Effect.provide(whole, emulator)
      assert.strictEqual(plain.text, "Ada is known.")
      const stack = Claude.stack({
        budget: "1 USD",
        cache: { storeId: "test", store: ResponseCache.layerMemory() },
        fallback: [{ model: "claude-haiku-4-5" }]
      })
      const stacked = emulator.pipe(stack)
      assert.deepStrictEqual(yield* Effect.provide(whole, stacked), plain)
      assert.deepStrictEqual(yield* Effect.provide(streamed, stacked), plain)
    })
  )

  it.live("is answered from a cache the second time, with its usage and without cost", () =>
    Effect.gen(function* () {
      const first = yield* Claude.generateWithTools(toolkit, "Who is Ada?")
      const second = yield* Claude.generateWithTools(toolkit, "Who is Ada?")
      assert.strictEqual(second.origin, "cache")
      assert.deepStrictEqual(second.usage, first.usage)
      assert.isTrue(second.cost !== undefined && BigDecimal.isZero(second.cost))
      assert.lengthOf(yield* Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger), 3)
    }).pipe(
      Effect.provide(
        Layer.merge(
          emulator.pipe(Claude.stack({ cache: { storeId: "test", store: ResponseCache.layerMemory() } })),
          handlers
        )
      )
    )
  )

  it.effect("asks again after a turn without an answer, because the cache keeps none", () =>
    Effect.gen(function* () {
      const ask = Claude.generateWithTools(toolkit, "Who is Ada?")
      assert.include((yield* Effect.flip(ask)).message, "OutputEmpty")
      assert.strictEqual((yield* ask).text, "Ada is known.")
    }).pipe(
      Effect.provide([
        handlers,
        TestClaude.layer([{ content: [] }, "Ada is known."]).pipe(
          Claude.stack({ cache: { storeId: "test", store: ResponseCache.layerMemory() } })
        )
      ])
    )
  )

  it.effect("is replayed from a cassette", () =>
    Effect.gen(function* () {
      const path = join(mkdtempSync(join(tmpdir(), "effect-claude-")), "cassette.json")
      const recorded = yield* Effect.provide(
        whole,
        Layer.provide(cassette(path), [settings({ ANTHROPIC_API_KEY: "k" }), transport])
      )
      const replayed = yield* Effect.provide(whole, Layer.provide(cassette(path), settings({ CI: "1" })))
      assert.deepStrictEqual(replayed, recorded)
    })
  )
})

// Builders

const toolkit = Toolkit.make(
  Tool.make("lookup", { parameters: Schema.Struct({ name: Schema.String }), success: Schema.String })
)
const handlers = toolkit.toLayer({ lookup: ({ name }) => Effect.succeed(`${name} is known`) })

const facts = ({ cost, messages, text, turns, usage }: Claude.ToolsReply) => ({ cost, messages, text, turns, usage })

const whole = Claude.generateWithTools(toolkit, "Who is Ada?").pipe(Effect.map(facts), Effect.provide(handlers))

const streamed = Claude.streamWithTools(toolkit, "Who is Ada?").pipe(
  Stream.runLast,
  Effect.flatMap((last) => Effect.fromOption(last)),
  Effect.map((last) => (last._tag === "finished" ? facts(last.reply) : undefined)),
  Effect.provide(handlers)
)

const emulator = Emulator.layer({ replies: [lookups] })

const transport = Layer.effect(
  Transport,
  Effect.map(Emulator.Emulator, ({ fetch }) => fetch)
).pipe(Layer.provide(Emulator.transport({ replies: [lookups] })))

const settings = (env: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromEnv({ env }))

const cassette = (path: string) => Layer.provide(Cassette.layer({ path }), NodeFileSystem.layer)
