import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Claude, Concurrency, Dataset, Job, Journal, Step } from "effect-claude"
import { Cluster } from "effect-claude/node"
import { Emulator, TestClaude } from "effect-claude/testing"
import { BigDecimal, Effect, Fiber, Latch, type Layer, Random, Schema } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Drain } from "../../src/pipeline/Drain.ts"
import * as Postgres from "../../src/run/Postgres.ts"
import { names, notYou, people, Person } from "../pipeline/jobs.ts"
import { folder, lines } from "./cli.ts"
import * as Heartbeats from "./cluster/heartbeats.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe.skipIf(missing)(`a process that works on a submitted job${missing}`, { concurrent: true }, () => {
  it.live("does not begin if its first request differs from that of the submitted job, and shows how", () =>
    Effect.gen(function* () {
      const { job, output } = yield* greetings
      yield* Cluster.submit(job("Greet"), { output })
      const work = Cluster.work(job("Insult"), { database: TEST_DATABASE_URL }, () => TestClaude.layer("Hi."))
      const error = yield* Effect.flip(work)
      assert.match(
        error.message,
        /is not the one that was submitted: the first request for the row "person 0" differs: /
      )
      assert.include(error.message, "Insult")
      const { shared } = yield* stateOf(job("Greet").name)
      assert.deepStrictEqual(
        (yield* shared?.workerRuns ?? Effect.succeed([])).map(({ state }) => state),
        ["JobDiffers"]
      )
      assert.lengthOf(yield* Cluster.write(job("Greet"), output).pipe(Effect.map(({ problems }) => problems)), 0)
    }).pipe(provide)
  )

  it.live("does not begin if its steps differ", () =>
    Effect.gen(function* () {
      const { job, output } = yield* greetings
      yield* Cluster.submit(job("Greet"), { output })
      const other = { ...job("Greet"), step: Step.text("other", () => "Hello") }
      const work = Cluster.work(other, { database: TEST_DATABASE_URL }, () => TestClaude.layer("Hi."))
      assert.include((yield* Effect.flip(work)).message, "is not the one that was submitted: steps ")
    }).pipe(provide)
  )

  it.live("joins beside others, ends its calls on a drain, and is done when all rows are", () =>
    Effect.gen(function* () {
      const { job, output } = yield* greetings
      const greet = job("Greet")
      assert.isFalse((yield* Cluster.submit(greet, { output })).isKnown)
      const drain = Latch.makeUnsafe(false)
      const work = Cluster.work(greet, { database: TEST_DATABASE_URL }, () => TestClaude.layer("Hello.")).pipe(
        Effect.provideService(Drain, drain)
      )
      const workers = yield* Effect.forkChild(Effect.all([work, work], { concurrency: 2 }))
      const seen: Array<number> = []
      yield* Cluster.watch(greet.name, TEST_DATABASE_URL, ({ done }) => Effect.sync(() => void seen.push(done)))
      assert.strictEqual(seen.at(-1), 250)
      yield* drain.open
      assert.deepStrictEqual(yield* Fiber.join(workers), [{ stopped: "signal" }, { stopped: "signal" }])
      yield* Cluster.write(greet, output)
      assert.deepStrictEqual(
        lines(output).map(({ key }) => key),
        Array.from({ length: 250 }, (_, index) => `person ${index}`)
      )
    }).pipe(provide)
  )

  it.live(
    "ends when the connection that holds its share of the lock is lost, and the next one pays for nothing again",
    () =>
      Effect.gen(function* () {
        const { job, output } = yield* greetings
        const greet = job("Greet")
        yield* Cluster.submit(greet, { output })
        const called: Array<string> = []
        const claude = TestClaude.layer(({ messages }) => {
          called.push(JSON.stringify(messages))
          return Effect.as(Effect.sleep("20 millis"), "Hello.")
        })
        const work = Cluster.work(greet, { database: TEST_DATABASE_URL }, () => claude.pipe(Concurrency.policy(1)))
        const worker = yield* Effect.forkChild(work)
        yield* Effect.forkChild(Cluster.watch(greet.name, TEST_DATABASE_URL, () => Effect.void))
        yield* until(() => called.length > 20)
        yield* disconnect(greet.name)
        const { stopped } = yield* Fiber.join(worker)
        assert.instanceOf(stopped, Job.JobBroken)
        yield* Heartbeats.lose(greet.name)
        const paid = called.length
        const again = yield* Effect.forkChild(work)
        yield* until(() => called.length > paid + 20)
        yield* Fiber.interrupt(again)
        assert.isAtMost(called.length - new Set(called).size, 1)
      }).pipe(provide)
  )

  it.live("starts no rows while the job is paused, and shows it in the state", () =>
    Effect.gen(function* () {
      const { job, output } = yield* greetings
      const greet = job("Greet")
      yield* Cluster.submit(greet, { output })
      let calls = 0
      let latency = 40
      const claude = TestClaude.layer(() => {
        calls += 1
        return Effect.as(Effect.sleep(latency), "Hello.")
      }).pipe(Concurrency.policy(4))
      const work = Cluster.work(greet, { database: TEST_DATABASE_URL }, () => claude)
      const worker = yield* Effect.forkChild(work)
      const watcher = yield* Effect.forkChild(Cluster.watch(greet.name, TEST_DATABASE_URL, () => Effect.void))
      yield* until(() => calls > 10)
      assert.include((yield* applied(greet.name, { _tag: "pause" })).detail, "paused")
      const { isApplied } = yield* applied(greet.name, { _tag: "budget", amount: "2 USD" })
      assert.isFalse(isApplied)
      // The rows that run continue.
      yield* Effect.sleep("200 millis")
      const before = calls
      yield* Effect.sleep("200 millis")
      assert.strictEqual(calls, before)
      latency = 0
      yield* applied(greet.name, { _tag: "resume" })
      yield* Fiber.join(watcher)
      assert.strictEqual(calls, 250)
      yield* Fiber.interrupt(worker)
    }).pipe(provide)
  )

  it.live("ends its calls when rows are added, and then works on these too, each row once", () =>
    Effect.gen(function* () {
      const { input, job, output } = yield* greetings
      const greet = { ...job("Greet"), source: Dataset.fromFile(Person, input) }
      const called: Array<string> = []
      const claude = TestClaude.layer(({ messages }) => {
        called.push(JSON.stringify(messages))
        return Effect.as(Effect.sleep("5 millis"), "Hello.")
      })
      const work = Cluster.work(greet, { database: TEST_DATABASE_URL }, () => claude.pipe(Concurrency.policy(4)))
      yield* Cluster.submit(greet, { output })
      const watcher = yield* Effect.forkChild(Cluster.watch(greet.name, TEST_DATABASE_URL, () => Effect.void))
      const worker = yield* Effect.forkChild(work)
      yield* until(() => called.length > 20)
      writeFileSync(
        input,
        names(300)
          .map((name) => JSON.stringify({ name }))
          .join("\n")
      )
      assert.isFalse((yield* Cluster.submit(greet, { output })).isKnown)
      assert.deepStrictEqual(yield* Fiber.join(worker), { stopped: "wanted" })
      yield* Fiber.interrupt(watcher)
      const again = yield* Effect.forkChild(work)
      yield* Cluster.watch(greet.name, TEST_DATABASE_URL, () => Effect.void)
      yield* Fiber.interrupt(again)
      yield* Cluster.write(greet, output)
      assert.deepStrictEqual(
        lines(output).map(({ key }) => key),
        names(300)
      )
      assert.deepStrictEqual([called.length, new Set(called).size], [300, 300])
    }).pipe(provide)
  )

  it.live(
    "stops before the budget of the job is exceeded by all processes together, and continues with a larger one",
    () =>
      Effect.gen(function* () {
        const { job, output } = yield* greetings
        const step = Step.text("greet", ({ name }: typeof Person.Type) => ({
          max_tokens: 20,
          messages: [{ role: "user" as const, content: `Greet ${name}.` }]
        }))
        const greet = { ...job("Greet"), step }
        const work = Cluster.work(greet, { database: TEST_DATABASE_URL }, ({ budget }) =>
          Emulator.layer({ latency: 20 }).pipe(
            Claude.stack({ concurrency: 4, budget: budget === "0.005 USD" ? "0.005 USD" : "9 USD" })
          )
        )
        yield* Cluster.submit(greet, { output, settings: { budget: "0.005 USD" } })
        yield* Effect.forkChild(Cluster.watch(greet.name, TEST_DATABASE_URL, () => Effect.void))
        const ends = yield* Effect.all([work, work, work], { concurrency: 3 })
        for (const { stopped } of ends) assert.include(String(stopped), "BudgetExceeded")
        const first = yield* totalsOf(greet.name)
        assert.isAbove(first, 0)
        assert.isAtMost(first, 0.005)
        yield* Cluster.submit(greet, { output, settings: { budget: "9 USD" }, changed: "keep" })
        const worker = yield* Effect.forkChild(work)
        yield* Cluster.watch(greet.name, TEST_DATABASE_URL, () => Effect.void)
        yield* Fiber.interrupt(worker)
        assert.deepStrictEqual((yield* Cluster.write(greet, output)).problems, [])
        assert.lengthOf(lines(output), 250)
      }).pipe(provide)
  )

  it.live("keeps a known submission with other limits, and submits again if workers could not follow its budget", () =>
    Effect.gen(function* () {
      const { input, job, output } = yield* greetings
      const greet = { ...job("Greet"), source: Dataset.fromFile(Person, input) }
      const isKnown = (settings: Journal.Settings) =>
        Effect.map(Cluster.submit(greet, { output, settings }), (submission) => submission.isKnown)
      assert.isFalse(yield* isKnown({}))
      assert.isTrue(yield* isKnown({ concurrency: 2 }))
      assert.isFalse(yield* isKnown({ budget: "5 USD" }))
      assert.isTrue(yield* isKnown({ budget: "6 USD" }))
      assert.isFalse(yield* isKnown({ budget: "100 tokens" }))
    }).pipe(provide)
  )

  it.live("is done for the next submission too where it was submitted again while a process watched it", () =>
    Effect.gen(function* () {
      const { input, job, output } = yield* greetings
      const greet = { ...job("Greet"), source: Dataset.fromFile(Person, input) }
      yield* Cluster.submit(greet, { output })
      const watcher = yield* Effect.forkChild(Cluster.watch(greet.name, TEST_DATABASE_URL, () => Effect.void))
      yield* Effect.sleep("200 millis")
      writeFileSync(input, JSON.stringify({ name: "person 1" }))
      assert.isFalse((yield* Cluster.submit(greet, { output })).isKnown)
      const work = Cluster.work(greet, { database: TEST_DATABASE_URL }, () => TestClaude.layer("Hello."))
      const worker = yield* Effect.forkChild(work)
      yield* Fiber.join(watcher)
      yield* Fiber.interrupt(worker)
      assert.isFalse((yield* Cluster.submit(greet, { output })).isKnown)
    }).pipe(provide)
  )

  it.live("leaves an unchanged submission as it is until it is done, and then tries failed rows again", () =>
    Effect.gen(function* () {
      const { input, job, output } = yield* greetings
      const greet = { ...job("Greet"), source: Dataset.fromFile(Person, input) }
      const run = (claude: Layer.Layer<Claude.Claude>) =>
        Effect.gen(function* () {
          const drain = Latch.makeUnsafe(false)
          const work = Cluster.work(greet, { database: TEST_DATABASE_URL }, () => claude)
          const worker = yield* Effect.forkChild(Effect.provideService(work, Drain, drain))
          yield* Cluster.watch(greet.name, TEST_DATABASE_URL, () => Effect.void)
          yield* drain.open
          yield* Fiber.join(worker)
          return yield* Cluster.write(greet, output)
        })
      assert.isFalse((yield* Cluster.submit(greet, { output })).isKnown)
      assert.isTrue((yield* Cluster.submit(greet, { output })).isKnown)
      const refusing = TestClaude.layer(TestClaude.when(/person 7\./, [notYou]), "Hello.")
      const { failuresFile, problems } = yield* run(refusing)
      assert.deepStrictEqual([problems.length, failuresFile === undefined], [1, false])
      assert.isFalse((yield* Cluster.submit(greet, { output })).isKnown)
      assert.deepStrictEqual((yield* run(TestClaude.layer("Hello."))).problems, [])
      assert.lengthOf(lines(output), 250)
    }).pipe(provide)
  )
})

// Builders

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.scoped,
    Effect.provide([Postgres.layer(TEST_DATABASE_URL), TestClaude.layer("unused"), NodeServices.layer])
  )

const until = (isMet: () => boolean) => Effect.repeat(Effect.sleep("50 millis"), { until: isMet })

const stateOf = Effect.fnUntraced(function* (job: string) {
  const state = (yield* Journal.states).find(({ job: name }) => name === job)
  return state ?? (yield* Effect.die("there is no job"))
})

/** Asks the processes of a job, and waits for what comes of it. */
const applied = Effect.fnUntraced(function* (job: string, control: Journal.Control) {
  const state = yield* stateOf(job)
  const sent = yield* state.send(control)
  const outcome = yield* Effect.repeat(Effect.delay(state.outcomeOf(sent), "50 millis"), {
    until: (outcome) => outcome !== undefined
  })
  return outcome ?? (yield* Effect.die("there is no outcome"))
})

/** What a job was billed, in US dollars. */
const totalsOf = Effect.fnUntraced(function* (job: string) {
  const state = yield* stateOf(job)
  return BigDecimal.toNumberUnsafe((yield* state.totals).all.cost)
})

/** Closes the connections that share the lock of a job. */
const disconnect = (job: string) =>
  SqlClient.use(
    (sql) => sql`SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'
      AND (CAST(classid AS BIGINT) << 32) | CAST(objid AS BIGINT)
        = hashtextextended(current_schema() || ' ' || ${job}, 0)`
  )

/** A job with a name of its own, which sends a word to each person, and a place for its output. */
const greetings = Effect.gen(function* () {
  const name = `greetings, ${process.pid} ${yield* Random.nextInt}`
  const { path } = folder(1)
  const input = join(path, "people.jsonl")
  writeFileSync(
    input,
    names(250)
      .map((name) => JSON.stringify({ name }))
      .join("\n")
  )
  const job = (word: string) =>
    Job.make({
      name,
      source: people(names(250)),
      key: ({ name }) => name,
      step: Step.text("greet", ({ name }: typeof Person.Type) => `${word} ${name}.`),
      output: Schema.String,
      sink: "unused.jsonl"
    })
  return { input, job, output: join(path, "out.jsonl") }
})
