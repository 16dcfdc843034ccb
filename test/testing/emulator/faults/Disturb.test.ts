import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as App from "../../../../src/testing/emulator/App.ts"
import * as Exchange from "../../../../src/testing/emulator/wire/Exchange.ts"
import type * as Faults from "../../../../src/testing/emulator/faults/Faults.ts"

describe("Disturb.around", () => {
  it.effect("refuses in the form of the API", () =>
    Effect.gen(function* () {
      for (const [kind, type, retryAfter, retry] of [
        [401, "authentication_error", undefined, "false"],
        [429, "rate_limit_error", "1", "true"],
        [529, "overloaded_error", undefined, "true"],
        [500, "api_error", undefined, "true"]
      ] as const) {
        const { body, headers, status } = yield* post(yield* faulty({ kind }))
        assert.deepStrictEqual([status, headers["retry-after"], headers["x-should-retry"]], [kind, retryAfter, retry])
        assert.include(body, `"type":"${type}"`)
      }
    })
  )

  it.effect("bills sent tokens, and does not bill requests that did not reach the model", () =>
    Effect.gen(function* () {
      const billed = Effect.fnUntraced(function* (kind: Faults.Kind, stream: boolean) {
        const app = yield* faulty({ kind, after: 3 })
        const fiber = yield* Effect.forkChild(Effect.flatMap(Effect.exit(chunks(app, stream)), () => app.ledger))
        yield* TestClock.adjust("1 minute")
        return (yield* Fiber.join(fiber)).length
      })
      for (const kind of [401, 429, 529, "refused", "reset", "html"] as const) {
        assert.deepStrictEqual([kind, yield* billed(kind, false), yield* billed(kind, true)], [kind, 0, 0])
      }
      for (const kind of ["late", "reset-in-body", "cut", "malformed-json", "drip", "error-event"] as const) {
        assert.deepStrictEqual([kind, yield* billed(kind, false), yield* billed(kind, true)], [kind, 1, 1])
      }
    })
  )

  it.effect("bills a broken stream for the tokens before the break, at any rate", () =>
    Effect.gen(function* () {
      const tokens = Effect.fnUntraced(function* (kind: Faults.Kind, after: number, tokensPerSecond?: number) {
        const app = yield* App.make({ faults: () => ({ kind, after }), tokensPerSecond })
        const fiber = yield* Effect.forkChild(Effect.flatMap(Effect.exit(chunks(app, true)), () => app.ledger))
        yield* TestClock.adjust("1 minute")
        return (yield* Fiber.join(fiber)).map(({ usage }) => usage.output)
      })
      const [whole = NaN] = yield* tokens("unknown-events", 0)
      assert.isAbove(whole, 4)
      for (const kind of ["cut", "error-event", "reset-in-body"] as const) {
        for (const pace of [undefined, 50]) {
          const billed = yield* Effect.forEach([0, 1, 3, 4, 99], (after) => tokens(kind, after, pace))
          assert.deepStrictEqual([kind, pace, ...billed], [kind, pace, [], [1], [1], [4], [whole]])
        }
      }
    })
  )

  it.effect("breaks a stream after the given number of events, at the latest before its last event", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* types({ kind: "cut", after: 0 }), [])
      assert.deepStrictEqual(yield* types({ kind: "cut", after: 3 }), all.slice(0, 3))
      assert.deepStrictEqual(yield* types({ kind: "cut", after: 99 }), all.slice(0, -1))
      assert.deepStrictEqual(yield* types({ kind: "error-event", after: 2 }), [...all.slice(0, 2), "error"])
      assert.deepStrictEqual(yield* types({ kind: "malformed-json", after: 99 }), all)
      const app = yield* faulty({ kind: "malformed-json", after: 99 })
      assert.include((yield* chunks(app, true)).join(""), 'data: {"type":"message_stop"\n\n')
    })
  )

  it.effect("breaks lines, repeats events, and adds unknown events", () =>
    Effect.gen(function* () {
      const text = (yield* chunks(yield* faulty({ kind: "malformed-sse", after: 1 }), true)).join("")
      assert.include(text, 'event: content_block_start\ndata: {\n"type"')
      assert.deepStrictEqual(
        yield* types({ kind: "duplicate-events" }),
        all.flatMap((type) => [type, type])
      )
      assert.deepStrictEqual(
        yield* types({ kind: "unknown-events" }),
        all.flatMap((type) => ["novelty", type])
      )
    })
  )

  it.effect("breaks an answer without a stream in the middle, and ignores faults of streams for it", () =>
    Effect.gen(function* () {
      const whole = (yield* chunks(yield* App.make(), false)).join("")
      const body = Effect.fnUntraced(function* (kind: Faults.Kind) {
        return (yield* chunks(yield* faulty({ kind }), false)).join("")
      })
      assert.strictEqual(yield* body("cut"), whole.slice(0, Math.floor(whole.length / 2)))
      assert.strictEqual(yield* body("malformed-json"), whole.slice(0, -1))
      for (const kind of ["error-event", "malformed-sse", "duplicate-events", "unknown-events"] as const) {
        assert.strictEqual(yield* body(kind), whole)
      }
    })
  )

  it.effect("sends the same bytes in other chunks: one at a time, or cut within characters", () =>
    Effect.gen(function* () {
      for (const stream of [false, true]) {
        const usual = Buffer.concat(yield* bytes(yield* App.make(), stream))
        const split = yield* bytes(yield* faulty({ kind: "split-characters" }), stream)
        assert.deepStrictEqual(Buffer.concat(split), usual)
        const starts = split.slice(1).map(([first = 0]) => first & 0xc0)
        assert.isAbove(starts.filter((bits) => bits === 0x80).length, 10)
        const dripped = yield* Effect.forkChild(
          Effect.all([bytes(yield* faulty({ kind: "drip" }), stream), Clock.currentTimeMillis])
        )
        yield* TestClock.adjust("1 minute")
        const [single] = yield* Fiber.join(dripped)
        assert.deepStrictEqual(Buffer.concat(single), usual)
        assert.isTrue(single.every(({ length }) => length === 1))
      }
    })
  )

  it.effect("delays exactly: 30 seconds when late, a millisecond for each dripped byte, forever when stalled", () =>
    Effect.gen(function* () {
      const length = Buffer.concat(yield* bytes(yield* App.make(), false)).length
      const ends = Effect.fnUntraced(function* (kind: Faults.Kind) {
        const start = yield* Clock.currentTimeMillis
        const app = yield* faulty({ kind })
        const fiber = yield* Effect.forkChild(Effect.andThen(bytes(app, false), Clock.currentTimeMillis))
        yield* TestClock.adjust("1 hour")
        const end = fiber.pollUnsafe()
        yield* Fiber.interrupt(fiber)
        return end === undefined ? undefined : (yield* end) - start
      })
      assert.strictEqual(yield* ends("late"), 30_000)
      assert.strictEqual(yield* ends("drip"), length)
      assert.strictEqual(yield* ends("stall"), undefined)
    })
  )

  it.effect("disturbs the same calls, in whatever order they arrive", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 60 }, (_, row) => row % 30)
      const outcomes = Effect.fnUntraced(function* (order: ReadonlyArray<number>) {
        const faults = [
          { kind: 529, rate: 0.2 },
          { kind: "cut", rate: 0.3 },
          { kind: "reset", rate: 0.2 }
        ] as const
        const app = yield* App.make({ faults, seed: 7 })
        const seen = new Map<number, Array<string>>()
        for (const row of order) {
          const body = yield* Effect.match(chunks(app, true, `Row ${row}`), {
            onSuccess: (parts) => parts.join("").replace(/"request_id":"\w+"/, ""),
            onFailure: ({ how }) => how
          })
          seen.set(row, [...(seen.get(row) ?? []), body])
        }
        return [...seen].toSorted(([a], [b]) => a - b)
      })
      const forward = yield* outcomes(rows)
      assert.deepStrictEqual(forward, yield* outcomes(rows.toReversed()))
      assert.isAbove(new Set(forward.flatMap(([, bodies]) => bodies.map(({ length }) => length))).size, 5)
    })
  )
})

// Builders

const all = [
  "message_start",
  "content_block_start",
  "ping",
  "content_block_delta",
  "content_block_delta",
  "content_block_stop",
  "message_delta",
  "message_stop"
]

/** An emulator with this fault for every call. */
const faulty = (fault: Faults.Fault) => App.make({ faults: () => fault })

const post = (app: App.App, stream = false, content = "Grüße, 世界 🌍🌍🌍, schöne Grüße.") =>
  app.handle({
    method: "POST",
    path: "/v1/messages",
    headers: { "x-api-key": "key", "anthropic-version": "2026-10-21" },
    body: JSON.stringify({
      model: "claude-haiku-4-5",
      max_tokens: 100,
      messages: [{ role: "user", content }],
      ...(stream && { stream })
    })
  })

const bytes = Effect.fnUntraced(function* (app: App.App, stream: boolean, content?: string) {
  const { body } = yield* post(app, stream, content)
  return yield* Stream.runCollect(Stream.map(typeof body === "string" ? Stream.make(body) : body, Exchange.bytes))
})

const chunks = (app: App.App, stream: boolean, content?: string) =>
  Effect.map(bytes(app, stream, content), (parts) => parts.map(Exchange.text))

/** The types of a stream's events. */
const types = Effect.fnUntraced(function* (fault: Faults.Fault) {
  const text = (yield* chunks(yield* faulty(fault), true)).join("")
  return Array.from(text.matchAll(/^event: (\w+)$/gm), ([, type]) => type)
})
