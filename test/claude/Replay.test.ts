import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Replay from "../../src/claude/Replay.ts"
import { text } from "../../src/claude/StreamEvent.ts"
import { message } from "../fixtures.ts"

describe("a reply", () => {
  it.effect("becomes a stream with its facts and its text, and reads back as an equal reply", () =>
    Effect.gen(function* () {
      const events = yield* Stream.runCollect(Replay.toStream(reply))
      assert.deepStrictEqual(events[0], { type: "stream_start", ...facts })
      assert.strictEqual(events.map(text).join(""), "Hello, you there.")
      assert.deepStrictEqual(yield* Replay.toReply(Replay.toStream(reply)), reply)
    })
  )

  it.effect("is absent for a stream that ends early", () =>
    Effect.gen(function* () {
      const half = Stream.take(Replay.toStream(reply), 5)
      assert.isUndefined(yield* Replay.toReply(half))
    })
  )
})

describe("onReply", () => {
  it.effect("changes the facts, and receives the reply before the reader sees the end of the stream", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const stream = Replay.toStream(reply).pipe(
        Stream.rechunk(1),
        Replay.onReply(
          (facts) => ({ ...facts, requestId: "req_2" }),
          (whole) => Effect.sync(() => log.push(`reply ${whole.requestId} ${whole.message.id}`))
        ),
        Stream.tap((event) => Effect.sync(() => event.type === "message_stop" && log.push("end")))
      )
      for (const run of [1, 2]) {
        yield* Stream.runDrain(stream)
        assert.strictEqual(log.length, 2 * run)
      }
      assert.deepStrictEqual(log.slice(0, 2), ["reply req_2 msg_1", "end"])
    })
  )
})

// Builders

const facts = { requestId: "req_1", origin: "api", rateLimits: undefined } as const
const reply = { ...facts, message: message() }
