import { assert, describe, it } from "@effect/vitest"
import { ClaudeError, Event, Job, Retry, Step } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Deferred, Effect, Fiber, type FileSystem, Latch, type Layer, type Path, Schedule, Schema } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { Drain } from "../../src/pipeline/Drain.ts"
import * as Postgres from "../../src/run/Postgres.ts"
import { type Files, greetings, inFolder, names, type Person } from "./jobs.ts"

type Row = typeof Person.Type

const Kill = Schema.Struct({
  /** How many events of the run come before the kill. */
  after: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 120 })),
  how: Schema.Literals(["interrupt", "interrupt", "drain"])
})
const Kills = Schema.Array(Kill).check(Schema.isMaxLength(6))

const { KILLS, TEST_DATABASE_URL } = process.env

const backends = [
  { name: "SQLite", runs: Number(KILLS ?? 20), missing: "" },
  {
    name: "PostgreSQL",
    runs: 8,
    missing:
      TEST_DATABASE_URL === undefined
        ? ": TEST_DATABASE_URL is not set (docker run -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres)"
        : ""
  }
]

for (const { missing, name, runs } of backends) {
  describe.skipIf(missing)(
    `a job on ${name} that is killed at random moments and run again until it is done${missing}`,
    () => {
      it.effect.prop(
        "has every row once, the output of an undisturbed run, and pays again only for calls in flight",
        [Kills],
        ([kills]) =>
          inFolder((files) =>
            name === "SQLite"
              ? killed(files, files.state, kills)
              : killed(files, Postgres.layer(TEST_DATABASE_URL ?? ""), kills)
          ),
        { arbitrary: { runs } }
      )
    }
  )
}

// Builders

let jobs = 0

/** Runs the pipeline with these kills, and checks the outcome. */
const killed = <E>(
  files: Files,
  state: Layer.Layer<SqlClient, E>,
  kills: typeof Kills.Type
): Effect.Effect<void, unknown, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const world = makeWorld()
    const job = Job.make({ ...pipeline, name: `killed ${process.pid} ${++jobs}` })
    const run = Effect.suspend(() => Effect.provide(files.runHere(job), [state, world.claude]))
    for (const { after, how } of kills) {
      const moment = yield* Deferred.make<void>()
      const drain = yield* Latch.make()
      let left = after
      const running = yield* run.pipe(
        Event.listen(() => (--left === 0 ? Effect.asVoid(Deferred.succeed(moment, undefined)) : Effect.void)),
        Effect.provideService(Drain, drain),
        Effect.forkChild
      )
      yield* Effect.raceFirst(Deferred.await(moment), Fiber.await(running))
      if (how === "drain") {
        yield* drain.open
        yield* Fiber.await(running)
      } else yield* Fiber.interrupt(running)
    }
    const summary = yield* run
    assert.deepInclude(summary, { total: rows, done: rows, failed: 0, pending: 0, stopped: undefined })
    assert.deepStrictEqual(yield* files.lines, expected)
    // Each reply that arrived was paid for once. What an interruption cut off was in flight.
    assert.strictEqual(world.counts.arrived, rows * 4)
    assert.strictEqual(summary.cost.all.calls, rows * 4)
  })

const rows = 12

/** Three steps, of which one has two calls at the same time. */
const pipeline = Job.make({
  ...greetings(names(rows)),
  step: Step.text("sort", ({ name }: Row) => `Sort ${name}`).pipe(
    Step.andThen(
      Step.all("both", {
        rank: Step.text("rank", (text: string) => `Rank ${text}`),
        rate: Step.text("rate", (text: string) => `Rate ${text}`)
      })
    ),
    Step.andThen(Step.text("reply", ({ rank, rate }: { rank: string; rate: string }) => `Reply to ${rank} and ${rate}`))
  )
})

const expected = names(rows).map((name) => {
  const sorted = `[Sort ${name}]`
  return JSON.stringify({ key: name, value: `[Reply to [Rank ${sorted}] and [Rate ${sorted}]]` })
})

/** A Claude that takes a few turns for an answer, and fails now and then. */
const makeWorld = () => {
  const counts = { started: 0, arrived: 0 }
  const claude = TestClaude.layer((request) =>
    Effect.gen(function* () {
      const number = ++counts.started
      for (let turn = 0; turn < number % 4; turn++) yield* Effect.yieldNow
      if (number % 7 === 0) return yield* Effect.fail(new ClaudeError.Overloaded({ detail: "busy" }))
      counts.arrived += 1
      return `[${TestClaude.promptText(request)}]`
    })
  ).pipe(Retry.policy(Schedule.recurs(100)))
  return { counts, claude }
}
