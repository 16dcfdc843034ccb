import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Reply } from "../../../src/claude/Reply.ts"
import * as StreamEvent from "../../../src/claude/StreamEvent.ts"
import * as SharedCalls from "../../../src/policy/responseCache/SharedCalls.ts"
import { message } from "../../fixtures.ts"

describe("a call that joins", () => {
  it.effect("a request for a whole answer gets its reply, as a hit", () =>
    Effect.gen(function* () {
      const { calls, sent, create } = sharing()
      const first = yield* Effect.forkChild(calls.create(call, create))
      yield* TestClock.adjust("500 millis")
      const second = yield* Effect.forkChild(calls.create(call, create))
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(originsOf(yield* Fiber.joinAll([first, second])), ["api", "cache"])
      assert.strictEqual(sent(), 1)
    })
  )

  it.effect("a stream gets its whole answer, as a hit", () =>
    Effect.gen(function* () {
      const { calls, sent, create, stream } = sharing()
      const first = yield* Effect.forkChild(Stream.runDrain(calls.stream(call, stream)))
      yield* TestClock.adjust("500 millis")
      const second = yield* Effect.forkChild(calls.create(call, create))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(first)
      const reply = yield* Fiber.join(second)
      assert.deepStrictEqual(originsOf([reply]), ["cache"])
      assert.deepStrictEqual(reply.message, message("So it is."))
      assert.strictEqual(sent(), 1)
    })
  )

  it.effect("a stream without a message sends a request of its own", () =>
    Effect.gen(function* () {
      const { calls, sent, create } = sharing()
      const nothing = Stream.fromEffect(Effect.sleep("1 second")).pipe(Stream.flatMap(() => Stream.empty))
      const first = yield* Effect.forkChild(Stream.runDrain(calls.stream(call, nothing)))
      yield* TestClock.adjust("500 millis")
      const second = yield* Effect.forkChild(calls.create(call, create))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(first)
      assert.deepStrictEqual(originsOf([yield* Fiber.join(second)]), ["api"])
      assert.strictEqual(sent(), 1)
    })
  )
})

// Builders

const call = { key: "a", model: "claude-sonnet-5-5" }

const originsOf = (replies: ReadonlyArray<Reply>) => replies.map(({ origin }) => origin)

/** Calls that take a second, and the number of requests that were sent. */
const sharing = () => {
  let sent = 0
  const facts = { requestId: "req_1", origin: "api", rateLimits: undefined } as const
  const second = Effect.andThen(
    Effect.sync(() => sent++),
    Effect.sleep(Duration.seconds(1))
  )
  const create = Effect.as(second, { ...facts, message: message("So it is.") })
  const events: ReadonlyArray<StreamEvent.StreamEvent> = [
    { type: "stream_start", ...facts },
    ...StreamEvent.fromMessage(message("So it is."))
  ]
  const stream = Stream.unwrap(Effect.as(second, Stream.fromIterable(events)))
  return { calls: SharedCalls.make(), sent: () => sent, create, stream }
}
