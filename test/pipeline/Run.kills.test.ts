import { assert, describe, it } from "@effect/vitest"
import { ClaudeError, Event, Job, Retry, Step } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Deferred, Effect, Fiber, Latch, Schedule, Schema } from "effect"
import { Drain } from "../../src/pipeline/Drain.ts"
import { greetings, inFolder, names, type Person } from "./jobs.ts"

type Row = typeof Person.Type

const Kill = Schema.Struct({
  /** How many events of the run come before the kill. */
  after: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 120 })),
  how: Schema.Literals(["interrupt", "interrupt", "drain"])
})
const Kills = Schema.Array(Kill).check(Schema.isMaxLength(6))

describe("a job that is killed at random moments and run again until it is done", () => {
  it.effect.prop(
    "has every row once, the output of an undisturbed run, and pays again only for calls in flight",
    [Kills],
    ([kills]) =>
      inFolder((files) =>
        Effect.gen(function* () {
          const world = makeWorld()
          for (const { after, how } of kills) {
            const moment = yield* Deferred.make<void>()
            const drain = yield* Latch.make()
            let left = after
            const running = yield* files.run(pipeline).pipe(
              Event.listen(() => (--left === 0 ? Effect.asVoid(Deferred.succeed(moment, undefined)) : Effect.void)),
              Effect.provideService(Drain, drain),
              Effect.provide(world.claude),
              Effect.forkChild
            )
            yield* Effect.raceFirst(Deferred.await(moment), Fiber.await(running))
            if (how === "drain") {
              yield* drain.open
              yield* Fiber.await(running)
            } else yield* Fiber.interrupt(running)
          }
          const summary = yield* Effect.provide(files.run(pipeline), world.claude)
          assert.deepInclude(summary, { total: rows, done: rows, failed: 0, pending: 0, stopped: undefined })
          assert.deepStrictEqual(yield* files.lines, expected)
          // Each reply that arrived was paid for once. What an interruption cut off was in flight.
          assert.strictEqual(world.counts.arrived, rows * 4)
          assert.strictEqual(summary.cost.all.calls, rows * 4)
        })
      ),
    { arbitrary: { runs: 40 } }
  )
})

// Builders

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
