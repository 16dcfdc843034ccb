import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Request from "../../../src/claude/Request.ts"
import * as StoredReply from "../../../src/claude/StoredReply.ts"
import * as Count from "../../../src/pipeline/durable/Count.ts"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { postgres, sqlite } from "./databases.ts"
import { answerOf, begun, callOf, tickets } from "./runs.ts"

for (const { layer: database, missing, name } of [sqlite, postgres]) {
  describe.skipIf(missing !== "")(`the replies of a journal in ${name}${missing}`, () => {
    it.effect("are found by row, path, hash and occurrence, in this run and in the next", () =>
      Effect.gen(function* () {
        const calls = [
          callOf("a"),
          callOf("b"),
          callOf("a", { path: "judge" }),
          callOf("a", { hash: "ffff" }),
          callOf("a", { occurrence: 1 })
        ]
        const answers = calls.map((call, index) => {
          const answer = answerOf(call)
          return { ...answer, reply: { ...answer.reply, requestId: `req_${index}` } }
        })
        const found = Journal.Journal.use(({ replies }) => Effect.forEach(calls, replies.find))
        const expected = answers.map(({ reply: { message, requestId } }) => ({ message, requestId }))
        yield* Effect.gen(function* () {
          const { replies } = yield* Journal.Journal
          assert.deepStrictEqual(yield* found, [undefined, undefined, undefined, undefined, undefined])
          yield* replies.save(answers)
          assert.deepStrictEqual(yield* found, expected)
        }).pipe(Effect.provide(begun(["a", "b"])))
        assert.deepStrictEqual(yield* Effect.provide(found, begun(["b", "a"])), expected)
      }).pipe(Effect.provide(database))
    )

    it.effect("are found as they were saved last", () =>
      Effect.gen(function* () {
        const { replies } = yield* Journal.Journal
        const answer = answerOf(callOf("a"))
        const later = { ...answer, reply: { ...answer.reply, requestId: "req_2" } }
        yield* replies.save([answer])
        yield* replies.save([later])
        assert.deepInclude(yield* replies.find(callOf("a")), { requestId: "req_2" })
      }).pipe(Effect.provide(Layer.provide(begun(["a"]), database)))
    )

    it.effect("come with the row that is to run, and show which of them were rejected", () =>
      Effect.gen(function* () {
        yield* Effect.gen(function* () {
          const { fail, finish, reject, replies } = yield* Journal.Journal
          yield* replies.save([answerOf(callOf("a")), answerOf(callOf("b")), answerOf(callOf("c"))])
          yield* replies.save([answerOf(callOf("a", { occurrence: 1 }))])
          yield* reject(callOf("a"), answerOf(callOf("a")).request)
          yield* fail("a", "{}")
          yield* finish("c", "{}")
        }).pipe(Effect.provide(begun(["a", "b", "c", "d"])))
        const { pending } = yield* Effect.provide(Journal.Journal, begun(["a", "b", "c", "d"]))
        const rows = yield* Stream.runCollect(pending("all"))
        assert.deepStrictEqual(
          rows.map(({ hasFailed, key, replies }) => ({
            key,
            hasFailed,
            replies: replies.map(({ isRejected, occurrence }) => ({ isRejected, occurrence }))
          })),
          [
            {
              key: "a",
              hasFailed: true,
              replies: [
                { isRejected: true, occurrence: 0 },
                { isRejected: false, occurrence: 1 }
              ]
            },
            { key: "b", hasFailed: false, replies: [{ isRejected: false, occurrence: 0 }] },
            { key: "d", hasFailed: false, replies: [] }
          ]
        )
        const [stored] = rows[1]?.replies ?? []
        const { message, requestId } = answerOf(callOf("b")).reply
        assert.deepStrictEqual(stored && StoredReply.decode(stored.reply), { message, requestId })
        assert.deepStrictEqual(
          (yield* Stream.runCollect(pending("failed"))).map(({ key }) => key),
          ["a"]
        )
      }).pipe(Effect.provide(database))
    )

    it.effect("replace an earlier reply to the same call, which is no longer rejected", () =>
      Effect.gen(function* () {
        const { pending, reject, replies } = yield* Journal.Journal
        yield* replies.save([answerOf(callOf("a"))])
        yield* reject(callOf("a"), answerOf(callOf("a")).request)
        const { reply, ...answer } = answerOf(callOf("a"))
        yield* replies.save([{ ...answer, reply: { ...reply, requestId: "req_2" } }])
        const [row] = yield* Stream.runCollect(pending("all"))
        assert.deepStrictEqual(
          row?.replies.map((call) => [call.isRejected, call.reply.requestId]),
          [[false, "req_2"]]
        )
      }).pipe(Effect.provide(Layer.provide(begun(["a"]), database)))
    )

    it.effect("are kept with the requests of the first rows and of one row in 256", () =>
      Effect.gen(function* () {
        const { pending, replies } = yield* Journal.Journal
        yield* replies.save(keys.map((key) => answerOf(callOf(key))))
        const rows = yield* Stream.runCollect(pending("all"))
        const kept = rows.filter(({ replies: [call] }) => call?.request !== undefined)
        assert.deepStrictEqual(
          kept.map(({ ordinal }) => ordinal),
          [0, 1, 2, 3, 4, 5, 6, 7, 256, 512]
        )
        const [call] = kept.at(-1)?.replies ?? []
        assert.strictEqual(call?.request, Request.canonical(answerOf(callOf("row 512")).request))
      }).pipe(Effect.provide(Layer.provide(begun(keys), database)))
    )

    it.effect("that count tokens belong to an emulator as well as to Claude", () =>
      Effect.gen(function* () {
        const { emulated, replies } = yield* Journal.Journal
        const { reply, ...answer } = answerOf(callOf("a"))
        yield* replies.save([{ ...answer, reply: Count.toReply(42) }])
        yield* replies.save([{ ...answer, reply: { ...reply, requestId: "req_emulated_1" } }])
        yield* replies.save([{ ...answer, reply: Count.toReply(43) }])
        assert.isTrue(yield* emulated)
      }).pipe(Effect.provide(Layer.provide(begun(["a"]), database)))
    )

    it.effect("of an emulator stop a run that Claude has answered, and the reverse", () =>
      Effect.gen(function* () {
        for (const emulated of [true, false]) {
          const options = { ...tickets, job: `answered by ${emulated}` }
          yield* Effect.gen(function* () {
            const journal = yield* Journal.Journal
            const { reply, ...answer } = answerOf(callOf("a"))
            const requestIds = emulated ? ["req_emulated_1", "req_2"] : ["req_1", "req_emulated_2"]
            const [first, second] = requestIds.map((requestId) => ({ ...answer, reply: { ...reply, requestId } }))
            yield* journal.replies.save(first === undefined ? [] : [first])
            assert.strictEqual(yield* journal.emulated, emulated)
            const error = yield* Effect.flip(journal.replies.save(second === undefined ? [] : [second]))
            assert.match(error.message, /^the replies cannot be stored: .* the two are never mixed$/)
          }).pipe(Effect.provide(begun(["a"], options)))
          const other = Journal.layer({ ...options, emulated: !emulated })
          assert.instanceOf(yield* Effect.flip(Effect.provide(Journal.Journal, other)), Journal.JournalMixed)
        }
      }).pipe(Effect.provide(database))
    )
  })

  describe.skipIf(missing !== "")(`the totals of a journal in ${name}${missing}`, () => {
    it.effect("count what is billed now, in this run and in all runs", () =>
      Effect.gen(function* () {
        yield* Effect.gen(function* () {
          const { replies, totals } = yield* Journal.Journal
          yield* replies.save([answerOf(callOf("a")), answerOf(callOf("b")), answerOf(callOf("c"), "cache")])
          const { all, run } = yield* totals
          assert.deepStrictEqual(
            [inWords(run), inWords(all)],
            ["2 calls, $0.0021, 0 unpriced", "2 calls, $0.0021, 0 unpriced"]
          )
        }).pipe(Effect.provide(begun(["a", "b", "c"])))
        yield* Effect.gen(function* () {
          const { replies, spend, totals } = yield* Journal.Journal
          yield* replies.save([answerOf(callOf("c"))])
          yield* spend(BigDecimal.fromStringUnsafe("0.0000001"))
          yield* spend(undefined)
          const { all, run } = yield* totals
          assert.deepStrictEqual(
            [inWords(run), inWords(all)],
            ["3 calls, $0.0010501, 1 unpriced", "5 calls, $0.0031501, 1 unpriced"]
          )
        }).pipe(Effect.provide(begun(["a", "b", "c"])))
        const { totals } = yield* Effect.provide(Journal.Journal, begun(["a"]))
        const { all, run } = yield* totals
        assert.deepStrictEqual(
          [inWords(run), inWords(all)],
          ["0 calls, $0, 0 unpriced", "5 calls, $0.0031501, 1 unpriced"]
        )
      }).pipe(Effect.provide(database))
    )
  })
}

// Builders

const keys = Array.from({ length: 600 }, (_, index) => `row ${index}`)

const inWords = ({ calls, cost, unpriced }: Journal.Total) =>
  `${calls} calls, $${BigDecimal.format(cost)}, ${unpriced} unpriced`
