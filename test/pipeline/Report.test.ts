import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import { message } from "../../src/testing/testClaude/Message.ts"
import * as Redact from "../../src/claude/Redact.ts"
import * as Journal from "../../src/pipeline/Journal.ts"
import * as Report from "../../src/pipeline/Report.ts"
import * as RowFailure from "../../src/pipeline/RowFailure.ts"
import { postgres, sqlite } from "./journal/databases.ts"
import { answerOf, begun, callOf, tickets } from "./journal/runs.ts"

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`the report of a job in ${name}${missing}`, () => {
    it.effect("has what all runs cost, by step, model and kind of token, directly and as batches", () =>
      Effect.gen(function* () {
        yield* twoRuns
        const { money, rows, runs, total } = yield* reported
        assert.deepStrictEqual(rows, { total: 3, done: 2, failed: 1, pending: 0, invalid: 0 })
        assert.deepStrictEqual([total.calls, BigDecimal.format(total.cost)], [3, "0.002625"])
        assert.deepStrictEqual(
          money.steps.map(({ batch, direct, model, step }) => [step, model, usd(direct), usd(batch)]),
          [
            ["sort", "claude-haiku-4-5", "0.0021", "0"],
            ["draft", "claude-haiku-4-5", "0", "0.000525"]
          ]
        )
        assert.deepStrictEqual(
          money.kinds.map(({ count, kind, ...spent }) => [kind, count, usd(spent)]),
          [
            ["input", 3000, "0.0025"],
            ["output", 30, "0.000125"]
          ]
        )
        assert.strictEqual(BigDecimal.format(money.savings.batches.saved), "0.000525")
        assert.deepStrictEqual(
          runs.map(({ ended, outcome, settings }) => [ended === null, outcome, settings.mode]),
          [
            [false, "limit", "direct"],
            [false, "done", "batches"]
          ]
        )
      }).pipe(Effect.provide(database))
    )

    it.effect("has the durations of direct calls, the attempts and the failures", () =>
      Effect.gen(function* () {
        yield* twoRuns
        const { details, latency, limits, problems, replays, series, waits } = yield* reported
        assert.deepStrictEqual([latency?.all.duration.count, latency?.all.duration.max], [2, 900])
        assert.deepStrictEqual(
          latency?.steps.map(({ firstToken, step }) => [step, firstToken?.max]),
          [["sort", 200]]
        )
        assert.deepStrictEqual(
          problems.attempts.map(({ count, reason, rows, status, unfinished }) => [
            reason,
            status,
            count,
            rows,
            unfinished
          ]),
          [["Overloaded", 529, 2, 1, 1]]
        )
        assert.deepStrictEqual(
          problems.failures.map(({ error, keys, rows }) => [error, rows, keys]),
          [["Overloaded", 1, ["c"]]]
        )
        assert.deepStrictEqual(
          details.slowest.map(({ key, milliseconds, steps }) => [key, milliseconds, steps.length]),
          [
            ["c", 2100, 2],
            ["b", 900, 1],
            ["a", 800, 2]
          ]
        )
        assert.deepStrictEqual(
          series.map(({ run, slots }) => [run, slots.reduce((sum, { requests }) => sum + requests, 0)]),
          [
            [1, 4],
            [2, 0]
          ]
        )
        assert.deepStrictEqual(limits, [{ run: 1, at: 0, group: "claude-haiku-4", requests: 50 }])
        assert.deepStrictEqual(waits, [{ for: "rate-limit", calls: 3, milliseconds: 70 }])
        assert.strictEqual(replays.calls, 1)
      }).pipe(Effect.provide(database))
    )

    it.effect("reads the rows page by page, and leaves out other jobs of the database", () =>
      Effect.gen(function* () {
        const keys = Array.from({ length: 300 }, (_, index) => `row ${index}`)
        const save = (keys: ReadonlyArray<string>) =>
          Effect.flatMap(Journal.Journal, ({ replies }) =>
            replies.save(keys.map((key) => ({ ...answerOf(callOf(key)), timing: { startedAt: 0, duration: 5 } })))
          )
        const few = keys.slice(0, 10)
        yield* Effect.provide(save(few), begun(few, { ...tickets, job: "letters" }))
        yield* Effect.provide(save(keys), begun(keys))
        const { latency, money, rows } = yield* reported
        assert.deepStrictEqual([rows.total, rows.pending, latency?.all.duration.count], [300, 300, 300])
        assert.strictEqual(money.steps[0]?.direct.calls, 300)
      }).pipe(Effect.provide(database))
    )

    it.effect("is the same JSON again after it was read from its JSON", () =>
      Effect.gen(function* () {
        yield* twoRuns
        const json = yield* Report.encodeJson(yield* reported)
        const read = yield* Schema.decodeEffect(Schema.fromJsonString(Report.Report))(json)
        assert.strictEqual(yield* Report.encodeJson(read), json)
      }).pipe(Effect.provide(database))
    )

    it.effect("has texts only by choice, and no secret", () =>
      Effect.gen(function* () {
        yield* twoRuns
        const plain = yield* Effect.flatMap(reported, Report.encodeJson)
        assert.notInclude(plain, "is urgent")
        assert.notInclude(plain, secret)
        const full = yield* Effect.flatMap(reportOf({ texts: true }), Report.encodeJson)
        assert.include(full, "is urgent")
        assert.include(full, "Sort a")
        assert.notInclude(full, secret)
      }).pipe(Effect.provide(database))
    )

    it.effect("has the requests of answers that could not be used, also of rows whose requests are not kept", () =>
      Effect.gen(function* () {
        const keys = Array.from({ length: 12 }, (_, index) => `row ${index}`)
        const work = Effect.flatMap(Journal.Journal, ({ fail, reject, replies }) =>
          Effect.gen(function* () {
            yield* replies.save(keys.map((key) => answerOf(callOf(key))))
            yield* reject(callOf("row 10"), answerOf(callOf("row 10")).request)
            yield* fail("row 10", `{"error":"OutputTruncated","message":"cut off"}`)
          })
        )
        yield* Effect.provide(work, begun(keys))
        const { details } = yield* reportOf({ texts: true })
        assert.include(details.failed[0]?.steps[0]?.request, "Sort row 10")
      }).pipe(Effect.provide(database))
    )

    it.effect("has a run that was killed, without an end", () =>
      Effect.gen(function* () {
        const work = Effect.flatMap(Journal.Journal, ({ finish, lost }) =>
          Effect.andThen(lost("b", attempt), finish("a", `{"key":"a"}`))
        )
        yield* Effect.provide(work, begun(["a", "b"]))
        const { problems, rows, runs } = yield* reported
        assert.deepStrictEqual(rows, { total: 2, done: 1, failed: 0, pending: 1, invalid: 0 })
        assert.deepStrictEqual([runs[0]?.ended, runs[0]?.outcome], [null, null])
        assert.strictEqual(problems.attempts[0]?.unfinished, 1)
      }).pipe(Effect.provide(database))
    )

    it.effect("is empty for a job without rows, and undefined for a job that the state does not have", () =>
      Effect.gen(function* () {
        yield* Effect.provide(Effect.void, begun([]))
        const { latency, money, rows, series } = yield* reported
        assert.deepStrictEqual([rows.total, money.steps.length, series.length, latency], [0, 0, 0, null])
        assert.isUndefined(yield* Report.of({ job: "letters" }))
      }).pipe(Effect.provide(database))
    )
  })
}

// Builders

const secret = "sk-ant-api03-abcdefghijklmnop"

const usd = ({ cost }: { readonly cost: BigDecimal.BigDecimal }) => BigDecimal.format(cost)

const reportOf = (options: Partial<Report.Options>) =>
  Effect.map(Report.of({ job: "tickets", ...options }), (report) => report ?? assert.fail("the state has the job"))

const reported = reportOf({})

const attempt: Journal.LostAttempt = {
  path: "sort",
  model: "claude-haiku-4-5",
  startedAt: 100,
  duration: 100,
  reason: "Overloaded",
  code: undefined,
  status: 529,
  requestId: undefined,
  usage: undefined,
  cost: undefined
}

/** A direct run that answers two rows and fails on one, and a run in batches that finishes the others. */
const twoRuns = Effect.gen(function* () {
  const overloaded = RowFailure.encode({ _tag: "Overloaded", toString: () => `busy ${secret}` }, (text) => text, {
    attempts: 2,
    calls: 0,
    cost: BigDecimal.fromBigInt(0n)
  })
  const timed = (key: string, duration: number) => ({
    ...answerOf(callOf(key)),
    timing: { startedAt: 1000 - duration, duration, firstToken: 200 }
  })
  yield* Effect.gen(function* () {
    const journal = yield* Journal.Journal
    yield* TestClock.setTime(1000)
    yield* journal.replies.save([timed("a", 800), timed("b", 900)])
    yield* journal.lost("c", attempt)
    yield* journal.lost("c", { ...attempt, startedAt: 2100 })
    journal.minute(0, {
      limits: { "claude-haiku-4": { requests: 50 } },
      waits: { "rate-limit": { calls: 3, milliseconds: 70 } }
    })
    yield* journal.fail("c", overloaded)
    yield* journal.end({ outcome: "limit", detail: undefined, invalid: 0 })
  }).pipe(Effect.provide(begun(["a", "b", "c"], { ...tickets, settings: { mode: "direct" } })))
  yield* Effect.gen(function* () {
    const journal = yield* Journal.Journal
    const answer = answerOf(callOf("a", { path: "draft" }), "batch")
    const batch = message({
      model: "claude-haiku-4-5",
      content: ["a"],
      usage: { input_tokens: 1000, output_tokens: 10, service_tier: "batch" }
    })
    yield* journal.replies.save([{ ...answer, reply: { ...answer.reply, message: batch } }])
    yield* journal.finish("a", `{"key":"a"}`)
    yield* journal.finish("b", `{"key":"b"}`)
    yield* journal.fail("c", overloaded)
    journal.minute(1, { replays: { calls: 1, saved: BigDecimal.fromStringUnsafe("0.1"), unpriced: 0 } })
    yield* journal.end({ outcome: "done", detail: undefined, invalid: 0 })
  }).pipe(Effect.provide(begun(["a", "b", "c"], { ...tickets, settings: { mode: "batches" } })))
}).pipe(Effect.provideService(Redact.Redactor, Redact.redact))
