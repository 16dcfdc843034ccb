import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { ClaudeError, Overloaded } from "../../../src/claude/ClaudeError.ts"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { postgres } from "./databases.ts"
import { answerOf, callOf, rowsOf, tickets } from "./runs.ts"

describe.skipIf(postgres.missing !== "")(
  `the calls of workers whose batches another process sends${postgres.missing}`,
  () => {
    it.live("are taken once, stay when their worker leaves, and are answered for the next one that asks", () =>
      Effect.gen(function* () {
        yield* submitted
        const [one, other] = [yield* worker, yield* worker]
        const left = yield* Effect.forkChild(ask(one, "a"))
        const sender = yield* elected(one)
        assert.isUndefined(yield* other.chunks.elect)
        const [wanted] = yield* takes(sender)
        assert.deepStrictEqual([wanted?.call, wanted?.request], [callOf("a"), answerOf(callOf("a")).request])
        yield* Fiber.interrupt(left)
        const next = yield* Effect.forkChild(ask(other, "a"))
        yield* Effect.sleep("300 millis")
        assert.deepStrictEqual(yield* sender.take(10), [])
        yield* sender.journal.replies.save([answerOf(callOf("a"), "batch")])
        if (wanted !== undefined) yield* sender.settle(wanted, Result.succeed(undefined))
        assert.deepInclude(yield* Fiber.join(next), { origin: "batch", requestId: "req_1" })
        // The reply was stored by a sender that died before it could say so.
        assert.deepInclude(
          yield* ask(other, "a").pipe(Effect.raceFirst(Effect.forever(Effect.delay(sender.take(10), 50)))),
          {
            origin: "batch"
          }
        )
      }).pipe(Effect.scoped, Effect.provide(postgres.layer))
    )

    it.live("get the reason of their failure as it is", () =>
      Effect.gen(function* () {
        yield* submitted
        const one = yield* worker
        const asking = yield* Effect.forkChild(Effect.flip(ask(one, "b")))
        const sender = yield* elected(one)
        const [wanted] = yield* takes(sender)
        const error = new ClaudeError({ reason: new Overloaded({ detail: "busy" }) })
        if (wanted !== undefined) yield* sender.settle(wanted, Result.fail(error))
        assert.deepStrictEqual(yield* Fiber.join(asking), error)
      }).pipe(Effect.scoped, Effect.provide(postgres.layer))
    )
  }
)

// Builders

const submitted = Effect.scoped(
  Effect.flatMap(
    Layer.build(Journal.layer({ ...tickets, settings: { mode: "batches" }, submits: true })),
    (context) => {
      const { begin, claim } = Context.get(context, Journal.Journal)
      return begin(claim(rowsOf("a", "b").map((row) => ({ ...row, form: "json", encoded: { id: row.key } }))))
    }
  )
)

const worker = Effect.map(Layer.build(Journal.layerWorker(tickets)), (context) => ({
  journal: Context.get(context, Journal.Journal),
  chunks: Context.get(context, Journal.Chunks)
}))

type Worker = Effect.Success<typeof worker>

const ask = ({ journal }: Worker, row: string) => {
  const { wanted } = journal.replies
  return wanted === undefined
    ? Effect.die("no calls are wanted")
    : wanted.ask(callOf(row), answerOf(callOf(row)).request)
}

const elected = ({ chunks }: Worker) =>
  Effect.filterOrElse(
    chunks.elect,
    (sender) => sender !== undefined,
    () => Effect.die("another process is the sender")
  )

/** Waits for calls. */
const takes = ({ take }: Journal.Sender) =>
  Effect.repeat(Effect.delay(take(10), "50 millis"), { until: (calls) => calls.length > 0 })
