import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Job, Step } from "effect-claude"
import { Cluster } from "effect-claude/node"
import { TestClaude } from "effect-claude/testing"
import { Effect, Fiber, Latch, Random, Schema } from "effect"
import { join } from "node:path"
import { Drain } from "../../src/pipeline/Drain.ts"
import * as Postgres from "../../src/run/Postgres.ts"
import { names, people, type Person } from "../pipeline/jobs.ts"
import { folder, lines } from "./cli.ts"
import { missing as missingServer, server } from "./cluster/redisServers.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : missingServer

describe.skipIf(missing)(`a job whose chunks wait on Redis${missing}`, () => {
  it.live("is done by processes that share them, and none works on it without the address", () =>
    Effect.gen(function* () {
      const { url } = yield* server()
      const { job, output } = yield* greetings(250)
      yield* Cluster.submit(job, { output, queue: url })
      const stranger = Cluster.work(job, { database: TEST_DATABASE_URL }, () => TestClaude.layer("Hello."))
      assert.include((yield* Effect.flip(stranger)).message, "add its address: --queue redis://host:6379")
      const drain = Latch.makeUnsafe(false)
      const work = Cluster.work(job, { database: TEST_DATABASE_URL, queue: url }, () => TestClaude.layer("Hello."))
      const workers = yield* Effect.forkChild(
        Effect.provideService(Effect.all([work, work], { concurrency: 2 }), Drain, drain)
      )
      yield* Cluster.watch(job.name, TEST_DATABASE_URL, () => Effect.void, { queue: url })
      yield* drain.open
      assert.deepStrictEqual(yield* Fiber.join(workers), [{ stopped: "signal" }, { stopped: "signal" }])
      yield* Cluster.write(job, output)
      assert.deepStrictEqual(
        lines(output).map(({ key }) => key),
        names(250)
      )
    }).pipe(provide)
  )
})

// Builders

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.scoped,
    Effect.provide([Postgres.layer(TEST_DATABASE_URL), TestClaude.layer("unused"), NodeServices.layer])
  )

/** A job with a new name, which greets people, and a place for its output. */
const greetings = Effect.fnUntraced(function* (rows: number) {
  const job = Job.make({
    name: `greetings, ${process.pid} ${yield* Random.nextInt}`,
    source: people(names(rows)),
    key: ({ name }) => name,
    step: Step.text("greet", ({ name }: typeof Person.Type) => `Greet ${name}.`),
    output: Schema.String,
    sink: "unused.jsonl"
  })
  return { job, output: join(folder(1).path, "out.jsonl") }
})
