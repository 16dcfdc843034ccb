import { assert, describe, it } from "@effect/vitest"
import { Claude } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Gate from "../../src/run/Gate.ts"

describe("a gate", () => {
  it.effect("lets as many calls in as its size, in order of arrival, and follows a change", () =>
    Effect.gen(function* () {
      const gate = Gate.make({ share: 2 })
      const { call, running } = calls(gate)
      const all = yield* Effect.forkChild(Effect.forEach([1, 2, 3, 4, 5, 6], call, { concurrency: 6 }))
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(running(), [1, 2])
      gate.change({ share: 3 })
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(running(), [1, 2, 3])
      gate.change({ share: 1 })
      assert.deepStrictEqual([gate.inUse(), gate.size()], [3, 1])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(running(), [4])
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(all)
      assert.strictEqual(gate.inUse(), 0)
    })
  )

  it.effect("has the lower one of its share and its grant", () =>
    Effect.sync(() => {
      const gate = Gate.make({ share: 5, grant: 3 })
      assert.strictEqual(gate.size(), 3)
      gate.change({ grant: 8 })
      assert.deepStrictEqual([gate.size(), gate.grant(), gate.room()], [5, 8, Infinity])
      gate.change({ grantable: 20 })
      assert.deepStrictEqual([gate.size(), gate.reach()], [5, 20])
    })
  )

  it.effect("lets no call in while its size is 0", () =>
    Effect.gen(function* () {
      let waits = 0
      const gate = Gate.make({ share: 0, onWait: () => void (waits += 1) })
      const { call, running } = calls(gate)
      const one = yield* Effect.forkChild(call(1))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([running(), waits], [[], 1])
      gate.change({ share: 1 })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(one)
    })
  )

  it.effect("keeps its places when calls that wait or run are interrupted", () =>
    Effect.gen(function* () {
      const gate = Gate.make({ share: 1 })
      const { call, running } = calls(gate)
      const [first, second, third] = [
        yield* Effect.forkChild(call(1)),
        yield* Effect.forkChild(call(2)),
        yield* Effect.forkChild(call(3))
      ]
      yield* TestClock.adjust(0)
      yield* Fiber.interrupt(second)
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(running(), [3])
      // One that is let in and interrupted in the same moment.
      const fourth = yield* Effect.forkChild(call(4))
      yield* TestClock.adjust(0)
      gate.change({ share: 2 })
      yield* Fiber.interrupt(fourth)
      yield* Fiber.interrupt(third)
      assert.strictEqual(gate.inUse(), 0)
    })
  )

  it.effect("knows how many places were wanted at once, in this period and the one before", () =>
    Effect.gen(function* () {
      const gate = Gate.make({ share: 2 })
      const { call } = calls(gate)
      const all = yield* Effect.forkChild(Effect.forEach([1, 2, 3, 4, 5], call, { concurrency: 5 }))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(all)
      assert.strictEqual(gate.wants(), 5)
      gate.measure()
      assert.strictEqual(gate.wants(), 5)
      gate.measure()
      assert.strictEqual(gate.wants(), 0)
    })
  )
})

// Builders

/** Calls of a second through a gate, by their numbers. */
const calls = (gate: Gate.Gate) => {
  const running = new Set<string>()
  const claude = TestClaude.layer(({ messages }) => {
    const [, number = ""] = /(\d+)\./.exec(JSON.stringify(messages)) ?? []
    return Effect.as(
      Effect.acquireUseRelease(
        Effect.sync(() => running.add(number)),
        () => Effect.sleep("1 second"),
        () => Effect.sync(() => running.delete(number))
      ),
      "Hello."
    )
  }).pipe(Gate.policy(gate))
  return {
    call: (number: number) => Effect.provide(Claude.generateText(`Call ${number}.`), claude),
    running: () => [...running].map(Number)
  }
}
