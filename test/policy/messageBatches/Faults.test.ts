/**
 * Faults of the Message Batches API, met once or a few times. Whatever the fault, each row is answered, and is billed once.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { Claude } from "../../../src/claude/Claude.ts"
import * as Batch from "../../../src/pipeline/Batch.ts"
import * as MessageBatches from "../../../src/policy/MessageBatches.ts"
import * as Emulator from "../../../src/testing/Emulator.ts"
import { request } from "../../fixtures.ts"

/** The endpoint, the fault, and how many arrivals meet it. */
type Row = readonly [at: keyof typeof endpoints, kind: Emulator.Kind, times: number]

const endpoints = {
  create: ({ method, path }: Emulator.Request) => method === "POST" && path === "/v1/messages/batches",
  retrieve: ({ method, path }: Emulator.Request) => method === "GET" && /batches\/\w+$/.test(path),
  results: ({ path }: Emulator.Request) => path.endsWith("/results"),
  request: ({ path }: Emulator.Request) => path === Emulator.inBatch
}

const table: ReadonlyArray<Row> = [
  ["create", 429, 30],
  ["create", 529, 3],
  ["create", 500, 3],
  ["create", "refused", 3],
  ["create", "reset", 2],
  ["create", "lost", 1],
  ["create", "html", 1],
  ["create", "cut", 1],
  ["create", "stall", 1],
  ["retrieve", 404, 3],
  ["retrieve", 429, 5],
  ["retrieve", 500, 5],
  ["retrieve", "reset", 5],
  ["retrieve", "html", 2],
  ["results", 404, 5],
  ["results", 500, 3],
  ["results", "reset", 3],
  ["results", "html", 3],
  ["results", "cut", 3],
  ["results", "reset-in-body", 3],
  ["results", "stall", 1],
  ["results", "malformed-json", 1],
  ["results", "half-the-lines", 3],
  ["results", "no-content-type", 1],
  ["request", 529, 2],
  ["request", 500, 1],
  ["request", "expired", 2],
  ["request", "missing", 1]
]

describe("a fault of the API", () => {
  it.effect.each(table)("at %s: %s, %i times, loses no row and bills none twice", ([at, kind, times]) => {
    const faults: Emulator.Script = (request, arrival) =>
      endpoints[at](request) && arrival <= times ? { kind } : undefined
    return Effect.gen(function* () {
      const results = yield* inTime(Batch.map(range(5), ask))
      assert.deepStrictEqual(results.map(Result.isSuccess), [true, true, true, true, true])
      assert.lengthOf(yield* Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger), 5)
    }).pipe(Effect.provide(batches(faults)))
  })
})

// Builders

const batches = (faults: Emulator.Script) =>
  Emulator.layer({ faults, batchProcessing: "2 minutes" }).pipe(MessageBatches.policy({ shortestPoll: "1 minute" }))

const range = (count: number) => Array.from({ length: count }, (_, index) => index)

const ask = (row: number) =>
  Claude.use((claude) => claude.create({ ...request, messages: [{ role: "user", content: `Row ${row}` }] }))

/** Runs an effect, and lets time pass until it ends. */
const inTime = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) {
    yield* Effect.repeat(Effect.yieldNow, { times: 50 })
    yield* TestClock.adjust("1 minute")
  }
  return yield* Fiber.join(fiber)
})
