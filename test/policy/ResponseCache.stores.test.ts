import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { BackingPersistence } from "effect/persistence/Persistence"
import { SqlClient } from "effect/sql/SqlClient"
import { afterAll } from "vitest"
import { generateText, streamText } from "../../src/call/text.ts"
import * as CallSite from "../../src/claude/CallSite.ts"
import { Claude } from "../../src/claude/Claude.ts"
import { discard } from "../../src/claude/Reply.ts"
import * as Request from "../../src/claude/Request.ts"
import * as ResponseCache from "../../src/policy/ResponseCache.ts"
import { Lease } from "../../src/policy/responseCache/Lease.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { message } from "../fixtures.ts"
import * as stores from "./responseCache/stores.ts"

const folder = mkdtempSync(join(tmpdir(), "effect-claude-cache-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** The prompts of `writer.ts`. */
const prompts = Array.from({ length: 20 }, (_, prompt) => String(prompt))

/** Unique to this run. */
const storeId = `test-${process.pid}-${Date.now()}`

const { TEST_DATABASE_URL, TEST_REDIS_URL } = process.env

const memory = { name: "memory", store: () => ResponseCache.layerMemory(), missing: "" }
const local: ReadonlyArray<Backend> = [
  { name: "files", store: () => stores.files(join(folder, "files")), missing: "" },
  { name: "SQLite", store: () => stores.sqlite(join(folder, "cache.sqlite")), missing: "" }
]
const postgres: Backend = {
  name: "Postgres",
  store: () => stores.postgres(TEST_DATABASE_URL ?? ""),
  missing:
    TEST_DATABASE_URL === undefined
      ? ": TEST_DATABASE_URL is not set (docker run -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres)"
      : ""
}
const redis: Backend = {
  name: "Redis",
  store: () => stores.redis(TEST_REDIS_URL ?? ""),
  missing: TEST_REDIS_URL === undefined ? ": TEST_REDIS_URL is not set (redis-server)" : ""
}

for (const { missing, name, store } of [memory, ...local, postgres, redis]) {
  describe.skipIf(missing)(`a cache in ${name}${missing}`, () => {
    it.effect("returns the stored answer to a call and to a stream", () =>
      Effect.gen(function* () {
        const both = Effect.all([text("a"), Stream.mkString(streamText("a"))])
        assert.deepStrictEqual(yield* Effect.provide(both, numbered(store()).layer()), ["1", "1"])
      })
    )

    it.effect("keeps answers forever if the time to live is infinite", () =>
      Effect.gen(function* () {
        const texts = yield* Effect.all([text("i"), text("i"), forget({ key: keyOf("i") })]).pipe(
          Effect.provide(numbered(store()).layer({ timeToLive: "Infinity" }))
        )
        assert.deepStrictEqual(texts, ["1", "1", ""])
      })
    )

    it.effect("removes answers by key, by model and by label", () =>
      Effect.gen(function* () {
        const labelled = CallSite.label("tenant", storeId)(text("b"))
        const texts = yield* Effect.all([
          labelled,
          text("b"),
          forget({ key: keyOf("b") }),
          labelled,
          text("b"),
          forget({ label: ["tenant", storeId] }),
          text("b"),
          text("b"),
          forget({ model: "claude-sonnet-5-5" }),
          text("b")
        ]).pipe(Effect.provide(numbered(store()).layer()))
        assert.deepStrictEqual(texts, ["1", "1", "", "2", "2", "", "3", "3", "", "4"])
      })
    )

    it.effect("removes an answer that the program discards", () =>
      Effect.gen(function* () {
        const discarded = Effect.map(Effect.tap(generateText("c"), discard), (reply) => reply.text)
        const texts = yield* Effect.all([text("c"), discarded, text("c")]).pipe(
          Effect.provide(numbered(store()).layer())
        )
        assert.deepStrictEqual(texts, ["1", "1", "2"])
      })
    )

    it.effect("asks again after its store was cleared", () =>
      Effect.gen(function* () {
        const clear = Effect.flatMap(BackingPersistence, (backing) =>
          Effect.flatMap(backing.make(storeId), (store) => Effect.as(store.clear, ""))
        )
        const texts = yield* Effect.all([text("d"), clear, text("d"), clear]).pipe(
          Effect.scoped,
          Effect.provide(numbered(store()).layer())
        )
        assert.deepStrictEqual(texts, ["1", "", "2", ""])
      })
    )
  })
}

for (const { missing, name, store } of [...local, postgres, redis]) {
  it.effect.skipIf(missing)(`a cache in ${name} outlives the process${missing}`, () =>
    Effect.gen(function* () {
      const ask = () => Effect.provide(text("e"), numbered(store()).layer())
      yield* ask()
      const later = numbered(store())
      yield* Effect.provide(Effect.andThen(text("e"), forget({ key: keyOf("e") })), later.layer())
      assert.strictEqual(later.asked(), 0)
    })
  )
}

// Redis uses its own clock, not the TestClock.
for (const { missing, name, store } of [memory, ...local, postgres]) {
  it.effect.skipIf(missing)(`a cache in ${name} removes an answer after its time to live${missing}`, () =>
    Effect.gen(function* () {
      const texts = yield* Effect.all([
        text("f"),
        Effect.as(TestClock.adjust("59 minutes"), ""),
        text("f"),
        Effect.as(TestClock.adjust("2 minutes"), ""),
        text("f"),
        forget({ key: keyOf("f") })
      ]).pipe(Effect.provide(numbered(store()).layer({ timeToLive: "1 hour" })))
      assert.deepStrictEqual(texts, ["1", "", "1", "", "2", ""])
    })
  )
}

for (const { missing, name, sql } of [
  {
    name: "SQLite",
    missing: "",
    sql: (): Layer.Layer<SqlClient, unknown> => stores.sqliteClient(join(folder, "full.sqlite"))
  },
  { ...postgres, sql: (): Layer.Layer<SqlClient, unknown> => stores.postgresClient(TEST_DATABASE_URL ?? "") }
]) {
  it.effect.skipIf(missing)(
    `a cache in ${name} keeps within its capacity, and removes the oldest answers first${missing}`,
    () =>
      Effect.gen(function* () {
        const { asked, layer } = numbered(
          ResponseCache.layerSql({ capacity: 2, storeId }).pipe(Layer.provideMerge(sql()), Layer.orDie)
        )
        const cache = yield* Layer.build(layer())
        yield* Effect.provide(
          Effect.gen(function* () {
            const others = yield* (yield* BackingPersistence).make(`${storeId}-others`)
            yield* others.set("first", { text: "of another program" }, Duration.minutes(2))
            const fill = Effect.forEach(["j", "k", "l"], (prompt) =>
              Effect.tap(text(prompt), TestClock.adjust("1 second"))
            )
            yield* fill
            yield* pruned
            yield* Effect.all([text("l"), text("k")])
            assert.strictEqual(asked(), 3)
            yield* text("j")
            assert.strictEqual(asked(), 4)
            assert.isDefined(yield* others.get("first"))
          }),
          cache
        )
      })
  )
}

for (const { missing, name, store } of [postgres, redis]) {
  describe.skipIf(missing)(`two processes with one cache in ${name}${missing}`, () => {
    it.live("send one request for identical concurrent calls", () =>
      Effect.gen(function* () {
        const answer = yield* Deferred.make<void>()
        const { first, one, other, second } = yield* twoProcesses(store, "g", Deferred.await(answer))
        yield* Deferred.succeed(answer, undefined)
        assert.deepStrictEqual([yield* Fiber.join(one), yield* Fiber.join(other)], ["1", "1"])
        assert.deepStrictEqual([first.asked(), second.asked()], [1, 0])
      })
    )

    it.live("let the second process ask when the first one stops", () =>
      Effect.gen(function* () {
        const { one, other, second } = yield* twoProcesses(store, "h", Effect.never)
        yield* Fiber.interrupt(one)
        assert.deepStrictEqual([yield* Fiber.join(other), second.asked()], ["1", 1])
      })
    )
  })
}

describe("a file", () => {
  it.effect("that is truncated, of another entry, or of an older version is a miss, and is written again", () =>
    Effect.gen(function* () {
      const place = join(folder, "broken")
      const store = stores.files(place)
      const read = () => Effect.provide(Effect.all([text("a"), text("a")]), numbered(store).layer())
      yield* read()
      const file = readdirSync(place).find((name) => name.endsWith(keyOf("a"))) ?? ""
      for (const content of [
        "",
        '[{"version":1,"key":"',
        '[{"version":0},null]',
        '[{"version":1,"key":"b"},null]',
        "[]"
      ]) {
        writeFileSync(join(place, file), content)
        let asked = 0
        const layer = TestClaude.layer(() => String(++asked)).pipe(
          ResponseCache.policy({ storeId }),
          Layer.provide(store)
        )
        assert.deepStrictEqual(yield* Effect.provide(Effect.all([text("a"), text("a")]), layer), ["1", "1"], content)
        assert.strictEqual(asked, 1, content)
      }
    })
  )
})

/** How often a writer is killed; `KILLS=100 npx vitest run …` for a long one. */
const kills = Number(process.env["KILLS"] ?? 2)

describe("a process that is killed while it writes", () => {
  it.live.each(["files", "sqlite"] as const)(
    "to %s leaves only complete and correct answers",
    (kind) =>
      Effect.gen(function* () {
        const place = join(folder, `killed-${kind}`)
        let hits = 0
        for (let kill = 0; kill < kills; kill++) {
          yield* Effect.promise(() => writeAndKill(kind, place, 25 + ((kill * 7) % 70)))
          const api = TestClaude.layer("asked").pipe(
            ResponseCache.policy(),
            Layer.provide(kind === "files" ? stores.files(place) : stores.sqlite(place))
          )
          const answers = yield* Effect.forEach(prompts, (prompt) => ResponseCache.readOnly(text(prompt))).pipe(
            Effect.provide([api, Logger.layer([])])
          )
          for (const [prompt, answer] of answers.entries()) {
            if (answer === "asked") continue
            hits += 1
            const pieces = answer.split("|")
            assert.strictEqual(pieces.pop(), "")
            assert.deepStrictEqual([...new Set(pieces)], [String(prompt)])
            assert.isAtLeast(pieces.length, 1000)
          }
        }
        assert.isAbove(hits, 10 * kills)
      }),
    20_000 * kills
  )
})

// Builders

interface Backend {
  readonly name: string
  readonly store: () => Layer.Layer<BackingPersistence>
  /** The reason why its tests are skipped, and how to run them; empty if they run. */
  readonly missing: string
}

const text = (prompt: string) => Effect.map(generateText(prompt), (reply) => reply.text)
const keyOf = (prompt: string) => Request.hash(Request.fill(prompt, { model: "claude-sonnet-5-5", max_tokens: 4096 }))
const forget = (target: ResponseCache.Target) => Effect.as(ResponseCache.invalidate(target, { storeId }), "")

/** A Claude with numbered answers, each after `before`, behind a cache in this store. */
const numbered = <A>(store: Layer.Layer<A | BackingPersistence>, before: Effect.Effect<unknown> = Effect.void) => {
  let asked = 0
  const facts = { requestId: "req_1", origin: "api", rateLimits: undefined } as const
  const claude = Layer.mock(Claude)({
    create: () =>
      Effect.andThen(
        before,
        Effect.sync(() => ({ message: message(String(++asked)), ...facts }))
      )
  })
  return {
    asked: () => asked,
    layer: (options?: ResponseCache.Options) =>
      claude.pipe(ResponseCache.policy({ storeId, ...options }), Layer.provideMerge(store))
  }
}

/** Waits until the store has removed what exceeds its capacity, which it does each minute. */
const pruned = Effect.gen(function* () {
  yield* TestClock.adjust("1 minute")
  const sql = yield* SqlClient
  const count = Effect.map(
    sql`SELECT id FROM effect_persistence WHERE store_id = ${storeId} AND expires IS NOT NULL`,
    ({ length }) => length
  )
  yield* Effect.repeat(Effect.tap(count, TestClock.withLive(Effect.sleep("10 millis"))), {
    while: (length) => length > 2
  })
})

/** Two caches in one store: the first asks, and gets its answer after `before`; then the second waits for it. */
const twoProcesses = Effect.fnUntraced(function* (
  store: Backend["store"],
  prompt: string,
  before: Effect.Effect<unknown>
) {
  const asked = yield* Deferred.make<void>()
  const waits = yield* Deferred.make<void>()
  const first = numbered(store(), Effect.andThen(Deferred.succeed(asked, undefined), before))
  const second = numbered(observingWaits(store(), waits))
  const one = yield* Effect.forkChild(Effect.provide(text(prompt), first.layer()))
  yield* Deferred.await(asked)
  const forgotten = Effect.tap(text(prompt), () => forget({ key: keyOf(prompt) }))
  const other = yield* Effect.forkChild(Effect.provide(forgotten, second.layer()))
  yield* Deferred.await(waits)
  return { first, one, other, second }
})

/** A store that completes `waits` when it refuses a lease. */
const observingWaits = (store: Layer.Layer<BackingPersistence>, waits: Deferred.Deferred<void>) =>
  Layer.effect(
    Lease,
    Effect.map(
      Lease,
      (lease): Lease | undefined =>
        lease && {
          ...lease,
          hold: (...parameters) =>
            Effect.tap(lease.hold(...parameters), (held) => (held ? Effect.void : Deferred.succeed(waits, undefined)))
        }
    )
  ).pipe(Layer.provideMerge(store))

/** Starts the writer, and kills it after it has stored this many answers. */
const writeAndKill = async (kind: string, place: string, stored: number) => {
  const writer = join(import.meta.dirname, "responseCache/writer.ts")
  const child = spawn(process.execPath, ["--conditions=effect-claude-source", writer, kind, place], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  let written = 0
  child.stdout.on("data", (dots: Buffer) => {
    written += dots.length
    if (written >= stored) child.kill("SIGKILL")
  })
  const [, signal] = await once(child, "exit")
  assert.strictEqual(signal, "SIGKILL")
}
