import { assert, describe, it } from "@effect/vitest"
import { Claude, DurableCalls, Journal, LanguageModel, Reply } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Clock, Effect, Fiber, Latch, Layer, Logger, Schema, Stream } from "effect"
import { LanguageModel as Ai, Tool, Toolkit } from "effect/ai"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { wrap } from "../../src/claude/Claude.ts"
import { pass, until } from "../turns.ts"
import { postgres, sqlite } from "./journal/databases.ts"

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`durable calls in ${name}${missing}`, () => {
    it.effect("are replayed under their key by every process, and paid for under another", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* inApp(Effect.all([keyed("a")(ask), keyed("a")(ask)])), ["one", "one"])
        assert.deepStrictEqual(yield* inApp(Effect.all([keyed("a")(ask), keyed("b")(ask)])), ["one", "two"])
        assert.strictEqual(yield* inApp(keyed("a")(ask), "another app"), "three")
      }).pipe(Effect.provide([TestClaude.layer(["one", "two", "three"]), database]))
    )

    it.effect("give identical calls of a key a reply each, streamed ones too", () =>
      Effect.gen(function* () {
        const streamed = Effect.map(Stream.runCollect(Claude.streamText(prompt)), (words) => words.join(""))
        const both = keyed("a")(Effect.all([ask, streamed]))
        assert.deepStrictEqual(yield* inApp(both), ["one", "two"])
        assert.deepStrictEqual(yield* inApp(both), ["one", "two"])
      }).pipe(Effect.provide([TestClaude.layer(["one", "two"]), database]))
    )

    it.effect("are stored together where they end at once under one key", () =>
      Effect.gen(function* () {
        let calls = 0
        const claude = TestClaude.layer(() => Effect.succeed(`reply ${(calls += 1)}`))
        const other = Effect.map(Claude.generateText("Sort it."), ({ text }) => text)
        const both = keyed("a")(Effect.all([ask, other], { concurrency: 2 }))
        const first = yield* Effect.provide(inApp(both), claude)
        assert.deepStrictEqual(yield* Effect.provide(inApp(both), claude), first)
        assert.strictEqual(calls, 2)
      }).pipe(Effect.provide(database))
    )

    it.effect("ask again for a reply that was rejected, or replay it", () =>
      Effect.gen(function* () {
        const refusing = Effect.flatMap(Claude.create(prompt), (reply) => Reply.discard(reply))
        yield* inApp(keyed("a")(refusing))
        assert.strictEqual(yield* inApp(keyed("a", { rejected: "replay" })(ask)), "one")
        assert.strictEqual(yield* inApp(keyed("a")(ask)), "two")
        assert.strictEqual(yield* inApp(keyed("a")(ask)), "two")
      }).pipe(Effect.provide([TestClaude.layer(["one", "two"]), database]))
    )

    it.effect("end with their age, and not before", () =>
      Effect.gen(function* () {
        const remove = DurableCalls.DurableCalls.use((calls) => calls.removeOlderThan("30 days"))
        yield* inApp(keyed("old")(ask))
        yield* TestClock.adjust("20 days")
        yield* inApp(keyed("new")(ask))
        assert.strictEqual(yield* inApp(remove), 0)
        yield* TestClock.adjust("11 days")
        assert.strictEqual(yield* inApp(remove), 1)
        assert.deepStrictEqual(yield* inApp(Effect.all([keyed("new")(ask), keyed("old")(ask)])), ["two", "three"])
      }).pipe(Effect.provide([TestClaude.layer(["one", "two", "three"]), database]))
    )

    it.effect("live beside jobs, whose lists leave them out", () =>
      Effect.gen(function* () {
        yield* inApp(keyed("a")(ask))
        const begun = Journal.Journal.use((journal) => journal.begin(Effect.void))
        yield* Effect.provide(begun, Journal.layer({ job: "letters", shape: null }))
        assert.deepStrictEqual(
          (yield* Journal.states).map(({ job }) => job),
          ["letters"]
        )
        assert.strictEqual(yield* inApp(keyed("a")(ask)), "one")
      }).pipe(Effect.provide([TestClaude.layer(["one"]), database]))
    )

    it.effect("wait while the database cannot be read", () =>
      Effect.gen(function* () {
        yield* inApp(keyed("a")(ask))
        yield* inApp(
          Effect.gen(function* () {
            yield* rename("effect_claude_calls", "gone")
            const waiting = yield* Effect.forkChild(keyed("a")(ask))
            yield* pass(100)
            assert.isUndefined(waiting.pollUnsafe())
            yield* rename("gone", "effect_claude_calls")
            assert.strictEqual(yield* joined(waiting), "one")
          })
        )
      }).pipe(Effect.provide([TestClaude.layer(["one"]), database, silent]))
    )

    it.effect("pass a reply on that cannot be stored for a minute, and pay for it again later", () =>
      Effect.gen(function* () {
        const lose = Effect.orDie(rename("effect_claude_calls", "gone"))
        const losing = Effect.provideContext(lose, yield* Effect.context<SqlClient.SqlClient>())
        yield* Effect.gen(function* () {
          const running = yield* Effect.forkChild(keyed("a")(ask))
          yield* pass(50)
          assert.isUndefined(running.pollUnsafe())
          assert.strictEqual(yield* joined(running), "one")
          assert.isBelow(yield* Clock.currentTimeMillis, 120_000)
          yield* rename("gone", "effect_claude_calls")
          assert.deepStrictEqual(yield* Effect.all([keyed("a")(ask), keyed("a")(ask)]), ["two", "two"])
        }).pipe(inApp, Effect.provide(TestClaude.layer([Effect.as(losing, "one"), "two"])))
      }).pipe(Effect.provide([database, silent]))
    )

    it.effect("include the results of tools, and the calls of effect/ai below the policy", () =>
      Effect.gen(function* () {
        let runs = 0
        const handlers = tools.toLayer({ look_up: () => Effect.sync(() => `found ${++runs}`) })
        const answer = Effect.gen(function* () {
          const { text } = yield* Claude.generateWithTools(tools, prompt)
          const { text: other } = yield* Ai.generateText({ prompt: text })
          return other
        }).pipe(Effect.provide(handlers))
        assert.strictEqual(yield* inApp(keyed("a")(answer)), "three")
        assert.strictEqual(yield* inApp(keyed("a")(answer)), "three")
        assert.strictEqual(runs, 1)
      }).pipe(
        Effect.provide([
          LanguageModel.layer().pipe(
            Layer.provideMerge(
              TestClaude.layer([TestClaude.toolCall(LookUp, { name: "Ada" }), "two", "three"]).pipe(
                DurableCalls.policy()
              )
            )
          ),
          database
        ])
      )
    )

    it.effect("store a reply that a policy took from a batch", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* inApp(Effect.all([keyed("a")(ask), keyed("a")(ask)])), ["one", "one"])
      }).pipe(Effect.provide([TestClaude.layer(["one"]).pipe(fromBatch), database]))
    )
  })
}

describe.skipIf(postgres.missing !== "")(`the removal of old keys${postgres.missing}`, () => {
  it.live("leaves a key whose reply is being stored by another process", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* inApp(keyed("a")(ask))
      yield* sql`UPDATE effect_claude_calls SET stored_at = 0`
      const isStored = Latch.makeUnsafe()
      const storing = yield* Effect.gen(function* () {
        yield* sql`UPDATE effect_claude_rows SET run = 0`
        yield* sql`INSERT INTO effect_claude_calls
            (row_id, path, hash, occurrence, rejected, request_id, checksum, message, run, stored_at, duration, origin)
          SELECT row_id, path, hash, occurrence, rejected, request_id, checksum, message, run,
            ${yield* Clock.currentTimeMillis}, duration, origin FROM effect_claude_calls`
        yield* isStored.open
        yield* Effect.sleep("300 millis")
      }).pipe(sql.withTransaction, Effect.forkChild)
      yield* isStored.await
      const remove = DurableCalls.DurableCalls.use((calls) => calls.removeOlderThan("1 day"))
      assert.strictEqual(yield* inApp(remove), 0)
      yield* Fiber.join(storing)
      assert.strictEqual(yield* inApp(keyed("a")(ask)), "one")
    }).pipe(Effect.provide([TestClaude.layer(["one"]), postgres.layer]))
  )
})

// Builders

const prompt = "Hello"
const ask = Effect.map(Claude.generateText(prompt), ({ text }) => text)

const keyed =
  (key: string, options?: DurableCalls.Options) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    DurableCalls.DurableCalls.use((calls) => calls.keyed(key, options)(effect))

/** Runs an effect in a process, with a layer that ends with it. */
const inApp = <A, E, R>(effect: Effect.Effect<A, E, R>, name = "letters") =>
  Effect.provide(effect, Layer.fresh(DurableCalls.layer({ name })))

const rename = (from: string, to: string) =>
  SqlClient.SqlClient.use((sql) => sql`ALTER TABLE ${sql(from)} RENAME TO ${sql(to)}`)

/** Lets time pass until the fiber ends. */
const joined = <A, E>(fiber: Fiber.Fiber<A, E>) =>
  Effect.andThen(until(Effect.sync(() => fiber.pollUnsafe() !== undefined)), Fiber.join(fiber))

const LookUp = Tool.make("look_up", { parameters: Schema.Struct({ name: Schema.String }), success: Schema.String })
const tools = Toolkit.make(LookUp)

const fromBatch = wrap((next) =>
  Effect.succeed({
    ...next,
    create: (request) => Effect.map(next.create(request), (reply) => ({ ...reply, origin: "batch" as const }))
  })
)

const silent = Logger.layer([])
