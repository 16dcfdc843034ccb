import { assert, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { ClaudeError, ConnectionFailed, Overloaded, type Reason } from "../../../src/claude/ClaudeError.ts"
import type { BatchesApi } from "../../../src/policy/messageBatches/BatchesApi.ts"
import * as Submit from "../../../src/policy/messageBatches/Submit.ts"

it.effect("gives up a host that cannot be reached after 5 attempts, and looks for no orphan", () =>
  Effect.gen(function* () {
    const { created, error, searched } = yield* failing(
      new ConnectionFailed({ detail: "refused", code: "ECONNREFUSED" })
    )
    assert.deepStrictEqual([created, searched, error.reason._tag], [5, 0, "ConnectionFailed"])
  })
)

it.effect("looks for no orphan after a refusal", () =>
  Effect.gen(function* () {
    const { created, searched } = yield* failing(new Overloaded({ detail: "busy" }))
    assert.isAbove(created, 5)
    assert.strictEqual(searched, 0)
  })
)

it.effect("looks for an orphan after each failure that may have created one", () =>
  Effect.gen(function* () {
    const { created, searched } = yield* failing(new ConnectionFailed({ detail: "cut", code: "ECONNRESET" }))
    assert.isAbove(created, 5)
    assert.strictEqual(searched, created)
  })
)

/** Creates a batch at an API that always fails, for at most 2 hours. */
const failing = Effect.fnUntraced(function* (reason: Reason) {
  let created = 0
  let searched = 0
  const unused = () => Effect.die("no request")
  const api: BatchesApi = {
    create: () =>
      Effect.andThen(
        Effect.sync(() => (created += 1)),
        Effect.fail(new ClaudeError({ reason }))
      ),
    retrieve: unused,
    cancel: unused,
    list: Stream.die("no request"),
    results: () => Stream.die("no request")
  }
  const search = Effect.sync(() => {
    searched += 1
    return undefined
  })
  const options = {
    batch: undefined,
    shortest: Duration.seconds(5),
    longest: Duration.minutes(5),
    onTrouble: () => Effect.void
  }
  const running = yield* Effect.forkChild(Effect.flip(Submit.create(api, [], search, options)))
  yield* TestClock.adjust("2 hours")
  return { error: yield* Fiber.join(running), created, searched }
})
