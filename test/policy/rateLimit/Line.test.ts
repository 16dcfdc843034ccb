import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { Reservation, Wait } from "../../../src/policy/rateLimit/Buckets.ts"
import * as Line from "../../../src/policy/rateLimit/Line.ts"

describe("a line", () => {
  it.effect("lets callers in by their tickets, and only the first one asks", () =>
    Effect.gen(function* () {
      const { asked, enter, entered, open } = room()
      const all = yield* Effect.forkChild(
        Effect.forEach([1, 3, 4, 2], (ticket) => enter(ticket), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(entered, [])
      assert.deepStrictEqual([...new Set(asked)], [1])
      open(Infinity)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(all)
      assert.deepStrictEqual(entered, [1, 2, 3, 4])
    })
  )

  it.effect("asks again at once when it is woken", () =>
    Effect.gen(function* () {
      const { enter, entered, line, open } = room()
      const one = yield* Effect.forkChild(enter(1))
      yield* Effect.yieldNow
      open(1)
      line.wake()
      yield* Fiber.join(one)
      assert.deepStrictEqual(entered, [1])
    })
  )

  it.effect("an interrupted caller leaves, first or not, and the others keep their order", () =>
    Effect.gen(function* () {
      const { enter, entered, line, open } = room()
      const fibers = yield* Effect.forEach([1, 2, 3, 4], (ticket) => Effect.forkChild(enter(ticket)))
      yield* Effect.yieldNow
      yield* Effect.forEach([fibers[0], fibers[2]], (fiber) => (fiber ? Fiber.interrupt(fiber) : Effect.void))
      open(Infinity)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(entered, [2, 4])
      assert.isTrue(line.isEmpty())
    })
  )

  it.effect.prop(
    "is empty in the end, whichever callers are interrupted, and whenever",
    [Schema.Array(Schema.Tuple([Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })), Schema.Boolean]))],
    ([steps]) =>
      Effect.gen(function* () {
        const { enter, entered, line, open } = room()
        const fibers = yield* Effect.forEach(
          Array.from({ length: 10 }, (_, ticket) => ticket),
          (ticket) => Effect.forkChild(enter(ticket))
        )
        for (const [ticket, opens] of steps) {
          const fiber = fibers[ticket]
          if (opens) open(1)
          else if (fiber !== undefined) yield* Fiber.interrupt(fiber)
          yield* TestClock.adjust("1 second")
        }
        open(Infinity)
        yield* TestClock.adjust("1 second")
        assert.isTrue(line.isEmpty())
        assert.deepStrictEqual(
          entered,
          entered.toSorted((one, other) => one - other)
        )
      })
  )

  it.effect("takes 20,000 callers in time that grows with their number only", () =>
    Effect.gen(function* () {
      const { enter, entered, open } = room()
      const tickets = Array.from({ length: 20_000 }, (_, ticket) => ticket)
      const all = yield* Effect.forkChild(Effect.forEach(tickets, enter, { concurrency: "unbounded", discard: true }))
      yield* Effect.yieldNow
      open(Infinity)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(all)
      assert.strictEqual(entered.length, 20_000)
    })
  )
})

// Builders

const nothing: Reservation = {
  _tag: "Reservation",
  learn: () => Effect.void,
  settle: () => Effect.void,
  refused: () => Effect.void
}

/** A line before a room that is closed at first; a caller that has to wait asks again after a second. */
const room = () => {
  const line = Line.make()
  const asked: Array<number> = []
  const entered: Array<number> = []
  let places = 0
  const enter = (ticket: number) => {
    const ask = Effect.sync((): Reservation | Wait => {
      asked.push(ticket)
      if (places === 0) return { _tag: "Wait", milliseconds: 1000, binds: "requests" }
      places -= 1
      entered.push(ticket)
      return nothing
    })
    return line.enter(ticket, ask)
  }
  return { line, asked, entered, enter, open: (more: number) => void (places += more) }
}
