import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Concurrency, Job, Journal, Step } from "effect-claude"
import { Cluster } from "effect-claude/node"
import { TestClaude } from "effect-claude/testing"
import { type Duration, Effect, Exit, Fiber, Random, Schema, Scope } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import * as Grant from "../../../src/run/cluster/Grant.ts"
import * as Gate from "../../../src/run/Gate.ts"
import * as Postgres from "../../../src/run/Postgres.ts"
import { names, people, type Person } from "../../pipeline/jobs.ts"
import { folder, lines } from "../cli.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe.skipIf(missing)(`the workers of a job with a concurrency${missing}`, { concurrent: true }, () => {
  it.live("never have more calls in flight together, and follow a change", () =>
    Effect.gen(function* () {
      const { inFlight, job, mostOf, output, set, start, watched } = yield* scene(3)
      yield* Effect.all([start, start, start])
      yield* until(() => inFlight() === 3)
      assert.strictEqual(yield* mostOf("1 second"), 3)
      yield* set(9)
      yield* until(() => inFlight() === 9)
      assert.strictEqual(yield* mostOf("500 millis"), 9)
      yield* set(1)
      yield* until(() => inFlight() <= 1)
      assert.strictEqual(yield* mostOf("500 millis"), 1)
      yield* set(24)
      yield* Fiber.join(watched)
      yield* Cluster.write(job, output)
      assert.lengthOf(lines(output), rows)
    }).pipe(provide)
  )

  it.live("take the part of one that has died", () =>
    Effect.gen(function* () {
      const { inFlight, job, mostOf, start } = yield* scene(4)
      const dying = yield* start
      yield* until(() => inFlight() === 4)
      yield* start
      yield* Effect.sleep("1500 millis")
      yield* dies(job.name)
      yield* Fiber.await(dying)
      yield* until(() => inFlight() === 4)
      assert.strictEqual(yield* mostOf("500 millis"), 4)
    }).pipe(provide)
  )
  it.live("begin few rows that they may not call for yet, so that a pause holds the others", () =>
    Effect.gen(function* () {
      const { begun, inFlight, mostOf, set, start } = yield* scene(2)
      yield* start
      yield* until(() => inFlight() === 2)
      yield* mostOf("500 millis")
      assert.isAtMost(begun(), 4)
      yield* set(8)
      yield* until(() => inFlight() === 8)
      assert.isAtMost(begun(), 16)
    }).pipe(provide)
  )
})

describe("the grant of a process", () => {
  it.effect("keeps the calls in flight when its part shrinks, until they have ended", () =>
    Effect.gen(function* () {
      const { gate, grants, taken } = grantsOf(4)
      const inFlight = yield* Scope.make()
      yield* Grant.follow(grants, gate)
      yield* Effect.forkScoped(Effect.forEach(Array(4), () => Scope.provide(gate.enter, inFlight)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(gate.inUse(), 4)
      grants.part = 1
      yield* TestClock.adjust("1 second")
      assert.strictEqual(taken.at(-1)?.held, 4)
      yield* Scope.close(inFlight, Exit.void)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(taken.at(-1)?.held, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("lets no more calls in than run where a job gets a concurrency, until the others know", () =>
    Effect.gen(function* () {
      const { gate, grants, taken } = grantsOf(undefined)
      yield* Grant.follow(grants, gate)
      yield* gate.enter
      yield* gate.enter
      grants.part = 4
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(taken[0], { held: 2, size: 2 })
      assert.strictEqual(gate.size(), 4)
    }).pipe(Effect.scoped)
  )
})

// Builders

/** The grants of a process whose part is the whole concurrency, and what it was granted. */
const grantsOf = (part: number | undefined) => {
  const gate = Gate.make()
  const taken: Array<{ readonly held: number; readonly size: number }> = []
  const grants = {
    part,
    look: () =>
      Effect.sync(() => {
        const { part } = grants
        return part === undefined ? undefined : { part, room: part, free: part }
      }),
    take: ({ held }: { readonly held: number }) =>
      Effect.sync(() => {
        taken.push({ held, size: gate.size() })
        return grants.part && Math.max(held, grants.part)
      })
  }
  return { gate, grants, taken }
}

const rows = 400

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.scoped,
    Effect.provide([Postgres.layer(TEST_DATABASE_URL), TestClaude.layer("unused"), NodeServices.layer])
  )

const until = (isMet: () => boolean) => Effect.repeat(Effect.sleep("20 millis"), { until: isMet })

/** A submitted job with this concurrency. Each worker could have 8 calls of 100 ms at once. */
const scene = Effect.fnUntraced(function* (concurrency: number) {
  const begun = new Set<string>()
  let answered = 0
  const greet = Step.text("greet", ({ name }: typeof Person.Type) => {
    begun.add(name)
    return `Greet ${name}.`
  })
  const job = Job.make({
    name: `grants, ${process.pid} ${yield* Random.nextInt}`,
    source: people(names(rows)),
    key: ({ name }) => name,
    step: greet,
    output: Schema.String,
    sink: "unused.jsonl"
  })
  const output = join(folder(1).path, "out.jsonl")
  let now = 0
  let most = 0
  const claude = TestClaude.layer(() =>
    Effect.as(
      Effect.acquireUseRelease(
        Effect.sync(() => void (most = Math.max(most, ++now))),
        () => Effect.sleep("100 millis"),
        () =>
          Effect.sync(() => {
            now -= 1
            answered += 1
          })
      ),
      "Hello."
    )
  )
  yield* Cluster.submit(job, { output, settings: { concurrency } })
  const set = Effect.fnUntraced(function* (calls: number) {
    const state = (yield* Journal.states).find((state) => state.job === job.name)
    if (state === undefined) return yield* Effect.die("there is no job")
    const sent = yield* state.send({ _tag: "concurrency", calls })
    const outcome = yield* Effect.repeat(Effect.delay(state.outcomeOf(sent), "20 millis"), {
      until: (outcome) => outcome !== undefined
    })
    assert.isTrue(outcome?.isApplied)
  })
  const mostOf = (time: Duration.Input) => {
    most = now
    return Effect.map(Effect.sleep(time), () => most)
  }
  const work = Cluster.work(job, { database: TEST_DATABASE_URL }, () => claude.pipe(Concurrency.policy(8)))
  return {
    job,
    output,
    set,
    inFlight: () => now,
    /** The rows that have begun and have no answer. */
    begun: () => begun.size - answered,
    /** The most calls in flight during this time. */
    mostOf: (time: Duration.Input) => Effect.suspend(() => mostOf(time)),
    start: Effect.forkScoped(work),
    watched: yield* Effect.forkScoped(Cluster.watch(job.name, TEST_DATABASE_URL, () => Effect.void))
  }
})

/** Closes the connection of the worker that joined first. */
const dies = (job: string) =>
  SqlClient.use(
    (sql) => sql`SELECT pg_terminate_backend(l.pid) FROM pg_locks l, effect_claude_jobs j
      WHERE l.locktype = 'advisory' AND j.name = ${job}
        AND (CAST(l.classid AS BIGINT) << 32) | CAST(l.objid AS BIGINT)
          = hashtextextended(current_schema() || ' effect_claude run ' || j.id || ' 2', 0)`
  )
