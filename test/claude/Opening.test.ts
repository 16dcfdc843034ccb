import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ClaudeError, Overloaded } from "../../src/claude/ClaudeError.ts"
import * as Opening from "../../src/claude/Opening.ts"
import type { StreamEvent } from "../../src/claude/StreamEvent.ts"
import { firstHalf, message } from "../fixtures.ts"

describe("open", () => {
  it.effect("reads up to the first content, and keeps all events", () =>
    Effect.gen(function* () {
      const { log, source } = logged([start, ...firstHalf(message()), { type: "message_stop" }])
      const stream = yield* Opening.open(source)
      assert.deepStrictEqual(log, ["open", "stream_start", "message_start", "content_block_start"])
      const events = yield* Stream.runCollect(stream)
      assert.deepStrictEqual(
        events.map(({ type }) => type),
        ["stream_start", "message_start", "content_block_start", "content_block_delta", "message_stop"]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("closes a stream that fails before its first content, even while the outer scope is open", () =>
    Effect.gen(function* () {
      const error = new ClaudeError({ reason: new Overloaded({ detail: "later" }) })
      const { log, source } = logged([start], Stream.fail(error))
      assert.deepStrictEqual(yield* Effect.exit(Opening.open(source)), Exit.fail(error))
      assert.deepStrictEqual(log, ["open", "stream_start", "close"])
    }).pipe(Effect.scoped)
  )

  it.effect("keeps an opened stream open until the scope closes", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { log, source } = logged([start, ...firstHalf(message())])
      yield* Scope.provide(Effect.asVoid(Opening.open(source)), scope)
      assert.notInclude(log, "close")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(log.at(-1), "close")
    })
  )
})

// Builders

const start: StreamEvent = { type: "stream_start", requestId: "req_1", origin: "api", rateLimits: undefined }

/** A stream with one event in each pull, and a log of its opening and closing. */
const logged = (events: ReadonlyArray<StreamEvent>, rest: Stream.Stream<never, ClaudeError> = Stream.empty) => {
  const log: Array<string> = []
  const note = (entry: string) => Effect.sync(() => log.push(entry))
  const source = Stream.unwrap(
    Effect.as(
      Effect.acquireRelease(note("open"), () => note("close")),
      Stream.fromIterable(events).pipe(
        Stream.rechunk(1),
        Stream.tap(({ type }) => note(type)),
        Stream.concat(rest)
      )
    )
  )
  return { log, source }
}
