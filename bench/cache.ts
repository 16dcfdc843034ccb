/**
 * `npm run bench -- cache [--json]`: hits per second of the response cache with each store, and entries per second of
 * the store alone, in alternating rounds. The figures are medians of five rounds, after three to warm up. Compare
 * figures of the same run only. Redis and PostgreSQL are measured if TEST_REDIS_URL and TEST_DATABASE_URL are set.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { BackingPersistence } from "effect/persistence/Persistence"
import { Claude, Request, ResponseCache } from "../src/index.ts"
import { TestClaude } from "../src/testing/index.ts"
import * as stores from "../test/policy/responseCache/stores.ts"
import { median } from "./median.ts"

const folder = mkdtempSync(join(tmpdir(), "effect-claude-bench-"))
const storeId = `bench-${process.pid}`
const { TEST_DATABASE_URL, TEST_REDIS_URL } = process.env
const subjects: Record<string, Layer.Layer<BackingPersistence>> = {
  memory: ResponseCache.layerMemory(),
  files: stores.files(join(folder, "files")),
  sqlite: stores.sqlite(join(folder, "cache.sqlite")),
  ...(TEST_REDIS_URL !== undefined && { redis: stores.redis(TEST_REDIS_URL) }),
  ...(TEST_DATABASE_URL !== undefined && { postgres: stores.postgres(TEST_DATABASE_URL) })
}

const model = "claude-sonnet-5-5"
const question = "Why is the sky blue? ".repeat(20)
const answer = "Because air scatters blue light most. ".repeat(40)
const count = 200
const requests = Array.from({ length: count }, (_, number): Request.Request => ({
  model,
  max_tokens: 100,
  messages: [{ role: "user", content: `${number} ${question}` }]
}))
const json = process.argv.includes("--json")
const keys = requests.map(Request.hash)

/** Sends each request once, `inFlight` at a time. Returns the number of requests per second. */
const rate = <A, E, R>(inFlight: number, ask: (request: Request.Request, index: number) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const start = performance.now()
    yield* Effect.forEach(requests, ask, { concurrency: inFlight, discard: true })
    return (count * 1000) / (performance.now() - start)
  })

const measure = (subject: string) =>
  Effect.gen(function* () {
    const backing = yield* BackingPersistence
    const store = yield* backing.make(storeId)
    const claude = yield* Claude.Claude
    const hit = (request: Request.Request) =>
      Effect.map(claude.create(request), ({ origin }) => origin === "cache" || missed())
    yield* Effect.forEach(requests, claude.create, { concurrency: 16, discard: true })
    for (const inFlight of [1, 64]) {
      const hits: Array<number> = []
      const reads: Array<number> = []
      for (let round = 0; round < 8; round++) {
        const read = yield* rate(inFlight, (_, index) => store.get(keys[index] ?? ""))
        const answered = yield* rate(inFlight, hit)
        if (round >= 3) {
          reads.push(read)
          hits.push(answered)
        }
      }
      const row = {
        bench: "cache",
        subject,
        inFlight,
        hits: Math.round(median(hits)),
        reads: Math.round(median(reads))
      }
      const line = [subject.padEnd(10), `${inFlight} in flight`.padEnd(14), `${row.hits} hits/s`.padStart(14)]
      const ratio = `${(row.hits / row.reads).toFixed(2)} × the store`
      console.log(json ? JSON.stringify(row) : [...line, `${row.reads} reads/s`.padStart(18), ratio].join(" "))
    }
    yield* store.clear
  }).pipe(Effect.scoped)

const missed = () => {
  throw new Error("a call was not a hit, so the figures are invalid")
}

for (const [subject, store] of Object.entries(subjects)) {
  const live = TestClaude.layer(answer).pipe(ResponseCache.policy({ storeId }), Layer.provideMerge(store))
  await Effect.runPromise(Effect.provide(measure(subject), live))
}
rmSync(folder, { recursive: true })
