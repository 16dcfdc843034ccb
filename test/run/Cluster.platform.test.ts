import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Concurrency, Job, Step } from "effect-claude"
import { Cluster } from "effect-claude/node"
import { TestClaude } from "effect-claude/testing"
import { Duration, Effect, Fiber, Random, Schema } from "effect"
import { Patience } from "../../src/pipeline/journal/Attempt.ts"
import * as Unstored from "../../src/pipeline/Unstored.ts"
import * as Postgres from "../../src/run/Postgres.ts"
import { names, people, type Person } from "../pipeline/jobs.ts"
import { folder, lines } from "./cli.ts"
import * as Heartbeats from "./cluster/heartbeats.ts"
import * as Proxy from "./cluster/proxy.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe.skipIf(missing)(`a process whose database fails while it works${missing}`, { concurrent: true }, () => {
  it.live("keeps the replies that it cannot store, and stores them when it works again", () =>
    Effect.gen(function* () {
      const { calls, loseHeartbeats, proxy, watch, work, write } = yield* greetings
      const worker = yield* Effect.forkChild(work)
      const watcher = yield* Effect.forkChild(watch)
      yield* until(() => calls.length > 20)
      proxy.refuse()
      const { stopped } = yield* Fiber.join(worker)
      assert.instanceOf(stopped, Job.JobBroken)
      proxy.heal()
      yield* loseHeartbeats
      yield* Effect.forkChild(work)
      yield* Fiber.join(watcher)
      assert.deepStrictEqual(yield* write, names(250))
      assert.deepStrictEqual([calls.length, new Set(calls).size], [250, 250])
    }).pipe(provide)
  )

  it.live("ends where nothing of the database comes back any more, although the connections stay open", () =>
    Effect.gen(function* () {
      const { calls, proxy, watch, work } = yield* greetings
      const worker = yield* Effect.forkChild(Effect.provideService(work, Patience, Duration.seconds(2)))
      yield* Effect.forkChild(watch)
      yield* until(() => calls.length > 20)
      proxy.silence()
      yield* Effect.sleep("3500 millis")
      // The statements are given up by now. Their connections would close within 5 seconds.
      proxy.refuse()
      assert.include(String((yield* Fiber.join(worker)).stopped), "the database does not answer: no answer within 2s")
    }).pipe(provide)
  )
})

// Builders

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.scoped,
    Effect.provide([Postgres.layer(TEST_DATABASE_URL), TestClaude.layer("unused"), NodeServices.layer])
  )

const until = (isMet: () => boolean) => Effect.repeat(Effect.sleep("20 millis"), { until: isMet })

/** A submitted job, and a process that works on it through a proxy. */
const greetings = Effect.gen(function* () {
  const address = new URL(TEST_DATABASE_URL)
  const proxy = yield* Proxy.make(Number(address.port || 5432))
  address.port = String(proxy.port)
  const { output } = folder(1)
  const job = Job.make({
    name: `greetings, ${process.pid} ${yield* Random.nextInt}`,
    source: people(names(250)),
    key: ({ name }) => name,
    step: Step.text("greet", ({ name }: typeof Person.Type) => `Greet ${name}.`),
    output: Schema.String,
    sink: "unused.jsonl"
  })
  yield* Cluster.submit(job, { output })
  const calls: Array<string> = []
  const claude = TestClaude.layer(({ messages }) => {
    calls.push(JSON.stringify(messages))
    return Effect.as(Effect.sleep("20 millis"), "Hello.")
  })
  const unstored = Unstored.make()
  return {
    calls,
    loseHeartbeats: Heartbeats.lose(job.name),
    proxy,
    watch: Cluster.watch(job.name, TEST_DATABASE_URL, () => Effect.void),
    work: Cluster.work(job, { database: address.href, unstored }, () => claude.pipe(Concurrency.policy(4))).pipe(
      Effect.provide(Postgres.layer(address.href))
    ),
    write: Effect.map(Cluster.write(job, output), () => lines(output).map(({ key }) => key))
  }
})
