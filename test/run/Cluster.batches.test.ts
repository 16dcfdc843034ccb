import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Budget, Claude, Event, Job, Journal, MessageBatches, Step } from "effect-claude"
import { Cluster } from "effect-claude/node"
import { Emulator, TestClaude } from "effect-claude/testing"
import { BigDecimal, Context, Effect, Fiber, Layer, Random, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import * as Postgres from "../../src/run/Postgres.ts"
import { names, people, type Person } from "../pipeline/jobs.ts"
import { folder, lines } from "./cli.ts"
import * as Heartbeats from "./cluster/heartbeats.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe.skipIf(missing)(`a job in batches on several processes${missing}`, () => {
  it.effect("sends the calls of all processes together, one batch for each step", () =>
    Effect.gen(function* () {
      const { batches, emulator, job, output, submit, work } = yield* world()
      yield* submit("batches")
      const workers = yield* Effect.forkChild(Effect.all([work(), work()], { concurrency: 2 }))
      yield* inTime(watch(job))
      yield* inTime(Fiber.interrupt(workers))
      assert.deepStrictEqual((yield* Cluster.write(job, output)).problems, [])
      assert.strictEqual(new Set(lines(output).map(({ key }) => key)).size, rows)
      assert.lengthOf(yield* emulator.ledger, 2 * rows)
      assert.deepStrictEqual(batches, [`sent ${rows}`, `sent ${rows}`])
      assert.strictEqual((yield* stateOf(job)).all.calls, 2 * rows)
    }).pipe(provide)
  )

  it.effect("continues with its batches when the sender ends, is lost, and when all processes end", () =>
    Effect.gen(function* () {
      const { batches, emulator, job, submit, work } = yield* world({ batchProcessing: "1 minute" })
      yield* submit("batches")
      const watching = yield* Effect.forkChild(watch(job))
      for (const end of [Fiber.interrupt, () => Effect.ignore(disconnect(job))]) {
        const count = batches.length
        const first = yield* Effect.forkChild(work())
        yield* inTime(until(() => batches.length > count))
        const second = yield* Effect.forkChild(work())
        yield* inTime(Effect.sleep("5 seconds"))
        yield* inTime(end(first))
        yield* inTime(until(() => batches.length > count + 1))
        yield* inTime(Fiber.interruptAll([first, second]))
        yield* Heartbeats.lose(job.name)
      }
      const last = yield* Effect.forkChild(work())
      yield* inTime(Fiber.join(watching))
      yield* inTime(Fiber.interrupt(last))
      const sent = batches.filter((batch) => batch.startsWith("sent"))
      assert.deepStrictEqual(sent, [`sent ${rows}`, `sent ${rows}`])
      assert.include(batches, `resumed ${rows}`)
      assert.lengthOf(yield* emulator.ledger, 2 * rows)
    }).pipe(provide)
  )

  it.effect("gives each row the reason of its item, as in a run of one process", () =>
    Effect.gen(function* () {
      const faults: Emulator.Script = ({ body, path }, arrival) => {
        if (path !== Emulator.inBatch) return undefined
        if (body.includes(`classify: person 7"`)) return { kind: "expired" }
        return body.includes(`classify: person 9"`) && arrival < 3 ? { kind: 529 } : undefined
      }
      const { emulator, job, output, submit, work } = yield* world({ faults })
      yield* submit("batches")
      const worker = yield* Effect.forkChild(work())
      yield* inTime(watch(job))
      yield* inTime(Fiber.interrupt(worker))
      const { problems } = yield* Cluster.write(job, output)
      assert.lengthOf(problems, 1, problems.join())
      assert.match(problems[0] ?? "", /person 7.* BatchItemLost: batch .* expired after 24 hours/)
      assert.lengthOf(yield* emulator.ledger, 2 * rows - 2)
    }).pipe(provide)
  )

  it.effect("continues a direct submission in batches, and refuses direct calls while batches are open", () =>
    Effect.gen(function* () {
      const { batches, emulator, job, output, submit, work } = yield* world({
        batchProcessing: "20 seconds",
        latency: 50
      })
      yield* submit("direct")
      const watching = yield* Effect.forkChild(watch(job))
      const direct = yield* Effect.forkChild(work())
      yield* inTime(Effect.repeat(Effect.delay(emulator.ledger, 50), { until: (billed) => billed.length > 20 }))
      yield* inTime(Fiber.interrupt(direct))
      yield* Heartbeats.lose(job.name)
      assert.isFalse((yield* inTime(submit("batches"))).isKnown)
      const worker = yield* Effect.forkChild(work())
      yield* inTime(until(() => batches.length > 0))
      yield* inTime(Fiber.interrupt(worker))
      yield* Heartbeats.lose(job.name)
      const refused = yield* inTime(Effect.flip(submit("direct")))
      assert.include(refused.message, "whose answers are not collected, and direct calls would pay for them again")
      const again = yield* Effect.forkChild(work())
      yield* inTime(Fiber.join(watching))
      yield* inTime(Fiber.interrupt(again))
      yield* Cluster.write(job, output)
      assert.lengthOf(lines(output), rows)
      assert.isAtMost((yield* emulator.ledger).length - 2 * rows, 8)
    }).pipe(provide)
  )

  it.effect("stops before the budget of the job is exceeded", () =>
    Effect.gen(function* () {
      const { emulator, job, submit, work } = yield* world()
      yield* submit("batches", { budget: "0.001 USD" })
      yield* Effect.forkChild(watch(job))
      const { stopped } = yield* inTime(work())
      assert.include(String(stopped), "BudgetExceeded")
      const { all } = yield* stateOf(job)
      assert.isAtMost(BigDecimal.toNumberUnsafe(all.cost), 0.001)
      assert.strictEqual((yield* emulator.ledger).length, all.calls)
    }).pipe(provide)
  )
})

// Builders

const rows = 104

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.scoped,
    Effect.provide([Postgres.layer(TEST_DATABASE_URL), TestClaude.layer("unused"), NodeServices.layer])
  )

const step = (name: string) => Step.text(name, (text: string) => `${name}: ${text}`)

/** A job, and processes that share an emulator. */
const world = Effect.fnUntraced(function* (options: Emulator.Options = {}) {
  const { path } = folder(1)
  const output = join(path, "out.jsonl")
  const job = Job.make({
    name: `letters ${process.pid} ${yield* Random.nextInt}`,
    source: people(names(rows)),
    key: ({ name }) => name,
    step: Step.make("person", ({ name }: typeof Person.Type) => Effect.succeed(name)).pipe(
      Step.andThen(step("classify")),
      Step.andThen(step("answer"))
    ),
    output: Schema.String,
    sink: output
  })
  const context = yield* Layer.build(Emulator.layer({ batchProcessing: "1 second", ...options }))
  const api = Layer.succeedContext(context)
  const batches = { shortestPoll: "300 millis", delay: "1 minute" } as const
  const ofMode = ({ mode }: Journal.Settings) =>
    mode === "batches"
      ? Claude.stack({ batches, retry: Schedule.recurs(4) })(api)
      : Claude.stack({ concurrency: 8 })(api)
  const sender = ({ budget = "9 USD" }: Journal.Settings) =>
    api.pipe(MessageBatches.policy(batches), Budget.policy(budget === "0.001 USD" ? budget : "9 USD"))
  const sent: Array<string> = []
  const listen = Event.listen((event) =>
    Effect.sync(() => {
      if (event._tag === "batch-sent") sent.push(`${event.how} ${event.requests}`)
    })
  )
  return {
    /** How batches were sent, and their sizes. */
    batches: sent,
    emulator: Context.get(context, Emulator.Emulator),
    job,
    output,
    submit: (mode: "direct" | "batches", settings: Journal.Settings = {}) =>
      Cluster.submit(job, { output, settings: { mode, ...settings } }),
    work: () => listen(Cluster.work(job, { database: TEST_DATABASE_URL }, ofMode, sender))
  }
})

const watch = ({ name }: { readonly name: string }) => Cluster.watch(name, TEST_DATABASE_URL, () => Effect.void)

const stateOf = Effect.fnUntraced(function* ({ name }: { readonly name: string }) {
  const state = (yield* Journal.states).find(({ job }) => job === name)
  return state === undefined ? yield* Effect.die("there is no job") : yield* state.totals
})

/** Closes the connection of the sender. */
const disconnect = ({ name }: { readonly name: string }) =>
  SqlClient.use(
    (sql) => sql`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
      AND (CAST(classid AS BIGINT) << 32) | CAST(objid AS BIGINT)
        = hashtextextended(current_schema() || ' ' || ${`effect-claude batches ${name}`}, 0)`
  )

const until = (isMet: () => boolean) => Effect.repeat(Effect.sleep("250 millis"), { until: isMet })

/** Processes wait in virtual time, which passes about 50 times faster, while the database answers in real time. */
const inTime = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) {
    yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))
    yield* TestClock.adjust("250 millis")
  }
  return yield* Fiber.join(fiber)
})
