import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Concurrency, Event, Job, Step } from "effect-claude"
import { Cluster } from "effect-claude/node"
import { TestClaude } from "effect-claude/testing"
import { Console, Effect, Fiber, Latch, Random, Schema } from "effect"
import { join } from "node:path"
import { Drain } from "../../src/pipeline/Drain.ts"
import * as Postgres from "../../src/run/Postgres.ts"
import * as Session from "../../src/run/work/Session.ts"
import { names, people, type Person } from "../pipeline/jobs.ts"
import { folder, lines } from "./cli.ts"
import { missing as missingServer, server, setMemory } from "./cluster/redisServers.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : missingServer

describe.skipIf(missing)(`a job whose chunks wait on Redis${missing}`, { concurrent: true }, () => {
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

  it.live(
    "pays for nothing again when Redis restarts, and returns empty or with its chunks",
    () =>
      Effect.gen(function* () {
        const persists = ["--appendonly", "yes", "--appendfsync", "always"]
        yield* Effect.forEach([[], persists], restarted, { concurrency: 2, discard: true })
      }).pipe(provide),
    60_000
  )

  it.live(
    "waits while Redis has no memory left, says so once with what to do, and continues when it has",
    () =>
      Effect.gen(function* () {
        const { url } = yield* server("--maxmemory-policy", "noeviction")
        const { job, output } = yield* greetings(300)
        yield* Cluster.submit(job, { output, queue: url })
        const called: Array<string> = []
        let latency = 20
        const claude = TestClaude.layer(({ messages }) => {
          called.push(JSON.stringify(messages))
          return Effect.as(Effect.sleep(latency), "Hello.")
        }).pipe(Concurrency.policy(2))
        const printed: Array<string> = []
        const console = { ...globalThis.console, error: (text: unknown) => void printed.push(String(text)) }
        const { run } = Session.make(job, { database: TEST_DATABASE_URL, queue: url }, () => claude)
        /** How often the worker has begun and failed. */
        let failures = 0
        const worker = yield* run.pipe(
          Event.listen(({ _tag }) => Effect.sync(() => void (failures += Number(_tag === "job-waits")))),
          Effect.provideService(Console.Console, console),
          Effect.forkChild
        )
        yield* until(() => called.length > 20)
        yield* setMemory(url, 1)
        yield* until(() => printed.length > 0)
        yield* until(() => failures > 2)
        latency = 0
        yield* setMemory(url, 0)
        yield* Cluster.watch(job.name, TEST_DATABASE_URL, () => Effect.void, { queue: url })
        yield* Fiber.interrupt(worker)
        assert.deepStrictEqual([called.length, new Set(called).size], [300, 300])
        assert.include(printed[0], "the server has no memory left; raise its maxmemory, or remove keys of others")
        assert.match(printed[1] ?? "", /works again, after \d/)
        assert.lengthOf(printed, 2)
      }).pipe(provide),
    60_000
  )
})

// Builders

const until = (isMet: () => boolean) => Effect.repeat(Effect.sleep("50 millis"), { until: isMet })

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.scoped,
    Effect.provide([Postgres.layer(TEST_DATABASE_URL), TestClaude.layer("unused"), NodeServices.layer])
  )

/** Restarts a server while two processes work on a job, and a third one has no rows. */
const restarted = Effect.fnUntraced(function* (options: ReadonlyArray<string>) {
  const { kill, start, url } = yield* server(...options)
  const { job, output } = yield* greetings(200)
  yield* Cluster.submit(job, { output, queue: url })
  const called: Array<string> = []
  let latency = 50
  const claude = TestClaude.layer(({ messages }) => {
    called.push(JSON.stringify(messages))
    return Effect.as(Effect.sleep(latency), "Hello.")
  }).pipe(Concurrency.policy(2))
  const session = Session.make(job, { database: TEST_DATABASE_URL, queue: url }, () => claude)
  const workers = yield* Effect.forkChild(Effect.all([session.run, session.run, session.run], { concurrency: 3 }))
  yield* until(() => called.length > 20)
  yield* kill
  yield* start
  latency = 0
  yield* Cluster.watch(job.name, TEST_DATABASE_URL, () => Effect.void, { queue: url })
  yield* Fiber.interrupt(workers)
  assert.deepStrictEqual((yield* Cluster.write(job, output)).problems, [])
  assert.lengthOf(lines(output), 200)
  assert.deepStrictEqual([called.length, new Set(called).size], [200, 200])
})

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
