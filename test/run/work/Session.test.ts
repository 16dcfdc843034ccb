import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Event, Job, Step } from "effect-claude"
import { Console, Effect, Fiber, Latch, Random, Schema } from "effect"
import { join } from "node:path"
import { TestClaude } from "effect-claude/testing"
import { Cluster } from "effect-claude/node"
import { Drain } from "../../../src/pipeline/Drain.ts"
import * as Postgres from "../../../src/run/Postgres.ts"
import * as Session from "../../../src/run/work/Session.ts"
import { names, people, type Person } from "../../pipeline/jobs.ts"
import { folder } from "../cli.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe.skipIf(missing)(`a job of a worker${missing}`, () => {
  it.live("waits until it is submitted, says so once, and ends its calls when the process is asked to stop", () =>
    Effect.gen(function* () {
      const { drain, job, name, output, printed, session } = yield* sessionOf
      let waits = 0
      const count = Event.listen(({ _tag }) => Effect.sync(() => void (waits += Number(_tag === "job-waits"))))
      const running = yield* Effect.forkChild(count(session.run))
      // It looks for the job a second time.
      yield* until(() => waits > 1)
      assert.isFalse(session.isRunning())
      yield* Cluster.submit(job, { output })
      yield* Cluster.watch(name, TEST_DATABASE_URL, () => Effect.void)
      assert.isTrue(session.isRunning())
      yield* drain.open
      assert.strictEqual(yield* Fiber.join(running), 0)
      assert.isFalse(session.isRunning())
      assert.lengthOf(printed, 2)
      assert.include(printed[0], `${name}: the job "${name}" is not submitted to the PostgreSQL database`)
      assert.strictEqual(printed[1], `${name}: 5 rows have ended here`)
    }).pipe(provide)
  )

  it.live("ends at once when the process is asked to stop while it waits", () =>
    Effect.gen(function* () {
      const { drain, printed, session } = yield* sessionOf
      const running = yield* Effect.forkChild(session.run)
      yield* until(() => printed.length > 0)
      yield* drain.open
      assert.strictEqual(yield* Effect.timeout(Fiber.join(running), "500 millis"), 0)
    }).pipe(provide)
  )

  it.live("stops with a message where it differs from the submitted one", () =>
    Effect.gen(function* () {
      const { job, name, output, printed, session } = yield* sessionOf
      yield* Cluster.submit({ ...job, step: Step.text("insult", () => "You!") }, { output })
      assert.strictEqual(yield* session.run, 2)
      assert.include(printed.join("\n"), `${name}: the job "${name}" is not the one that was submitted: steps`)
    }).pipe(provide)
  )
})

// Builders

const until = (isMet: () => boolean) => Effect.repeat(Effect.sleep("20 millis"), { until: isMet })

/** A job of five rows with a new name, and the work on it; `printed` has its messages. */
const sessionOf = Effect.gen(function* () {
  const name = `session, ${process.pid} ${yield* Random.nextInt}`
  const job = Job.make({
    name,
    source: people(names(5)),
    key: ({ name }) => name,
    step: Step.text("greet", ({ name }: typeof Person.Type) => `Greet ${name}.`),
    output: Schema.String,
    sink: "unused.jsonl"
  })
  const printed: Array<string> = []
  const console = { ...globalThis.console, error: (text: unknown) => void printed.push(String(text)) }
  const drain = Latch.makeUnsafe(false)
  const { isRunning, run } = Session.make(job, { database: TEST_DATABASE_URL }, () => TestClaude.layer("Hello."))
  return {
    job,
    name,
    output: join(folder(1).path, "out.jsonl"),
    drain,
    printed,
    session: {
      isRunning,
      run: run.pipe(Effect.provideService(Console.Console, console), Effect.provideService(Drain, drain))
    }
  }
})

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.scoped,
    Effect.provide([Postgres.layer(TEST_DATABASE_URL), TestClaude.layer("unused"), NodeServices.layer])
  )
