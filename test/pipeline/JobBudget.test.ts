/**
 * A job with a budget over all its runs: the run, the journal and the policy together.
 */
import { copyFileSync, readdirSync, renameSync, rmSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Budget, Claude, Cost, Event, Job, Step } from "effect-claude"
import { Emulator } from "effect-claude/testing"
import { BigDecimal, Deferred, Effect, Fiber, Latch, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Drain } from "../../src/pipeline/Drain.ts"
import { type Files, inFolder, names, people, type Person } from "./jobs.ts"

describe("a job whose budget ends in the middle", () => {
  it.effect("stops with pending rows, and a larger budget continues and pays nothing twice", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const first = yield* inTime(runWith(files, "0.01 USD"))
        assert.deepInclude(first, { total: 40, failed: 0 })
        assert.isAbove(first.done, 10)
        assert.isAbove(first.pending, 10)
        assert.match(String(first.stopped), /BudgetExceeded: the budget of this job has \$0\.00\d+ of \$0\.0100 left/)
        assert.isTrue(BigDecimal.isLessThanOrEqualTo(yield* billed, usd("0.01")))

        const again = yield* inTime(runWith(files, "0.01 USD"))
        assert.deepStrictEqual([again.done, again.pending], [first.done, first.pending])

        const last = yield* inTime(runWith(files, "1 USD"))
        assert.deepInclude(last, { done: 40, failed: 0, pending: 0, stopped: undefined })
        assert.lengthOf(yield* Emulator.Emulator.use(({ ledger }) => ledger), 40)
        assert.isTrue(BigDecimal.equals(last.cost.all.cost, yield* billed))
      }).pipe(Effect.provide(emulator()))
    )
  )

  it.effect("continues while it runs when the budget is raised in time", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const budget = yield* Budget.make("0.005 USD")
        const raise = (event: Event.Event) =>
          event._tag === "row-finished" ? Budget.raise(budget, "1 USD") : Effect.void
        const summary = yield* inTime(runWith(files, budget).pipe(Event.listen(raise)))
        assert.deepInclude(summary, { done: 40, stopped: undefined })
        assert.isTrue(BigDecimal.equals(yield* budget.spent, yield* billed))
      }).pipe(Effect.provide(emulator()))
    )
  )
})

describe("a job in batches with a budget", () => {
  it.effect("does not count the calls of a batch twice that an earlier run has left", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        // The most that the 40 calls may cost in a batch is more than half of it.
        const left = yield* Effect.forkChild(inTime(runWith(files, "0.08 USD", { batches: {} })))
        while ((yield* Emulator.Emulator.use(({ ledger }) => ledger)).length === 0) yield* Effect.yieldNow
        yield* Fiber.interrupt(left)
        const budget = yield* Budget.make("0.08 USD")
        const summary = yield* inTime(runWith(files, budget, { batches: {} }))
        assert.deepInclude(summary, { done: 40, stopped: undefined })
        assert.lengthOf(yield* Emulator.Emulator.use(({ ledger }) => ledger), 40)
        assert.strictEqual(BigDecimal.format(yield* budget.spent), BigDecimal.format(yield* billed))
      }).pipe(Effect.provide(Emulator.layer({ batchProcessing: "5 minutes" })))
    )
  )
})

const Kill = Schema.Struct({
  /** How many events of the run come before the kill. */
  after: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })),
  how: Schema.Literals(["interrupt", "crash"])
})
const Kills = Schema.Array(Kill).check(Schema.isMaxLength(6))

describe("a job that is killed again and again", () => {
  it.effect.prop("at random moments is billed at most its budget", [Kills], ([kills]) => staysWithin(kills), {
    arbitrary: { runs: Number(process.env.KILLS ?? 10) }
  })

  it.effect("with calls in flight whose answers it never sees is billed at most its budget", () =>
    staysWithin(Array.from({ length: 15 }, () => ({ after: 3, how: "crash" })))
  )
})

// Builders

const staysWithin = (kills: typeof Kills.Type) =>
  inFolder((files) =>
    Effect.gen(function* () {
      for (const kill of kills) {
        yield* killed(files, kill, runWith(files, "0.01 USD", { concurrency: 16 }))
        assert.isTrue(BigDecimal.isLessThanOrEqualTo(yield* billed, usd("0.01")))
      }
      yield* inTime(runWith(files, "0.01 USD"))
      assert.isTrue(BigDecimal.isLessThanOrEqualTo(yield* billed, usd("0.01")))
      assert.deepInclude(yield* inTime(runWith(files, "1 USD")), { done: 40, pending: 0 })
    }).pipe(Effect.provide(emulator()))
  )

/**
 * Runs until the kill. After a crash, the state is as it was at that moment, although the calls that were in flight are
 * still answered and billed.
 */
const killed = Effect.fnUntraced(function* <A, E, R>(
  { path }: Files,
  { after, how }: typeof Kill.Type,
  run: Effect.Effect<A, E, R>
) {
  const moment = yield* Deferred.make<void>()
  const drain = yield* Latch.make()
  let left = after
  const count = Effect.suspend(() => {
    if (--left !== 0) return Effect.void
    if (how === "crash") {
      for (const name of readdirSync(path("")).filter(isState)) copyFileSync(path(name), path(`crashed ${name}`))
    }
    return Effect.asVoid(Deferred.succeed(moment, undefined))
  })
  const running = yield* run.pipe(
    Event.listen(() => count),
    Effect.provideService(Drain, drain),
    inTime,
    Effect.forkChild
  )
  yield* Effect.raceFirst(Deferred.await(moment), Fiber.await(running))
  if (left > 0) return
  if (how === "interrupt") return yield* Fiber.interrupt(running)
  yield* drain.open
  yield* Fiber.await(running)
  for (const name of readdirSync(path("")).filter(isState)) rmSync(path(name))
  for (const name of readdirSync(path(""))) {
    if (name.startsWith("crashed ")) renameSync(path(name), path(name.replace("crashed ", "")))
  }
})

const isState = (name: string) => /^(state\.sqlite|out\.jsonl)/.test(name)

const job = Job.make({
  name: "letters",
  source: people(names(40)),
  key: ({ name }) => name,
  step: Step.text("answer", ({ name }: typeof Person.Type) => `Answer ${name}. ${"It rained all day. ".repeat(20)}`),
  output: Schema.String,
  sink: "unused.jsonl"
})

const emulator = () => Emulator.layer({ latency: "1 second" })

/** A run in a process of its own: with a stack and an open state of its own. */
const runWith = (
  files: Files,
  budget: Parameters<typeof Budget.policy>[0],
  options: Pick<Claude.BatchesStackOptions, "batches"> | { readonly concurrency: number } = { concurrency: 4 }
) =>
  files
    .runHere(job)
    .pipe(
      Effect.provide(Layer.merge(Claude.layer.pipe(Claude.stack({ ...options, budget })), files.state)),
      Effect.provideService(Claude.Defaults, { model: "claude-sonnet-5-5", max_tokens: 100 })
    )

const usd = BigDecimal.fromStringUnsafe

/** What the emulator has billed. */
const billed = Effect.gen(function* () {
  const calls = yield* Emulator.Emulator.use(({ ledger }) => ledger)
  return Cost.sum(calls.map((call) => Cost.of({ ...call, at: new Date(0) }))) ?? usd("-1")
})

const inTime = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) {
    yield* Effect.repeat(Effect.yieldNow, { times: 100 })
    yield* TestClock.adjust("1 second")
  }
  return yield* Fiber.join(fiber)
})
