import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { generateText } from "../../../src/call/text.ts"
import { HandlerStore } from "../../../src/claude/HandlerStore.ts"
import * as Handled from "../../../src/pipeline/durable/Handled.ts"
import * as Slots from "../../../src/pipeline/durable/Slots.ts"
import * as TestClaude from "../../../src/testing/TestClaude.ts"
import { asRow, makeStore } from "../rows.ts"

describe("the results of tools", () => {
  it.effect("are stored before they are passed on, and read in the next run", () =>
    Effect.gen(function* () {
      const store = makeStore()
      assert.strictEqual(yield* asRow(store)(stored("a", Effect.succeed("one"))), "one")
      assert.lengthOf(store.repliesOf("row"), 1)
      assert.strictEqual(yield* asRow(store)(stored("a", Effect.die("runs again"))), "one")
      assert.strictEqual(yield* asRow(store)(stored("b", Effect.succeed("two"))), "two")
    }).pipe(Effect.provide(TestClaude.layer("unused")))
  )

  it.effect("are stored although the row is interrupted when the handler has just ended", () =>
    Effect.gen(function* () {
      const store = makeStore()
      const ended = yield* Deferred.make<void>()
      const work = Effect.as(Deferred.succeed(ended, undefined), "one")
      const fiber = yield* Effect.forkChild(asRow(store)(Effect.uninterruptible(stored("a", work))))
      yield* Deferred.await(ended)
      yield* Fiber.interrupt(fiber)
      assert.lengthOf(store.repliesOf("row"), 1)
    }).pipe(Effect.provide(TestClaude.layer("unused")))
  )

  it.effect("are not stored for a failure, so that the handler runs again", () =>
    Effect.gen(function* () {
      const store = makeStore()
      assert.strictEqual(yield* Effect.flip(asRow(store)(stored("a", Effect.fail("broken")))), "broken")
      assert.strictEqual(yield* asRow(store)(stored("a", Effect.succeed("one"))), "one")
    }).pipe(Effect.provide(TestClaude.layer("unused")))
  )

  it.effect("of a handler that is repeated within one run have the place that the next run looks in", () =>
    Effect.gen(function* () {
      const store = makeStore()
      let isBroken = true
      const work = Effect.suspend(() => {
        if (!isBroken) return Effect.succeed("one")
        isBroken = false
        return Effect.fail("broken")
      })
      assert.strictEqual(yield* asRow(store)(Effect.retry(stored("a", work), { times: 1 })), "one")
      assert.strictEqual(yield* asRow(store)(stored("a", Effect.die("runs again"))), "one")
    }).pipe(Effect.provide(TestClaude.layer("unused")))
  )

  it.effect("count as running until they are stored, or there is none", () =>
    Effect.gen(function* () {
      let running = 0
      const store = Handled.store({
        key: "row",
        slots: Slots.make([], "replay"),
        begin: () => undefined,
        abandoned: Effect.interrupt,
        save: () => Effect.sync(() => assert.strictEqual(running, 1)),
        reject: () => Effect.void,
        replayed: () => undefined,
        handlers: {
          mayRun: () => true,
          mayRunAgain: () => true,
          runs: () => (running++, () => void running--),
          waits: () => () => {}
        }
      })
      for (const work of [Effect.succeed("one"), Effect.fail("broken"), Effect.die("broken"), Effect.interrupt]) {
        yield* Effect.exit(store.stored("a", work))
        assert.strictEqual(running, 0)
      }
    })
  )

  it.effect("are not made after an approval that came when the run had stopped", () =>
    Effect.gen(function* () {
      let isStopped = false
      const store = Handled.store({
        key: "row",
        slots: Slots.make([], "replay"),
        begin: () => undefined,
        abandoned: Effect.interrupt,
        save: () => Effect.die("there is no result"),
        reject: () => Effect.void,
        replayed: () => undefined,
        handlers: { mayRun: () => !isStopped, mayRunAgain: () => true, runs: () => () => {}, waits: () => () => {} }
      })
      const approval = Effect.sync(() => void (isStopped = true))
      const exit = yield* Effect.exit(store.stored("a", Effect.as(store.waiting(approval), "one")))
      assert.isTrue(Exit.hasInterrupts(exit))
    })
  )

  it.effect("do not change which replies the program gets, although a handler made the same request before", () =>
    Effect.gen(function* () {
      const store = makeStore()
      const ask = Effect.map(generateText("Sing."), ({ text }) => text)
      const program = Effect.all([stored("a", ask), ask, stored("a", stored("b", ask)), ask])
      const first = yield* asRow(store)(program)
      assert.deepStrictEqual(first, ["song 1", "song 2", "song 3", "song 4"])
      assert.deepStrictEqual(yield* asRow(store)(program), first)
      assert.lengthOf(yield* TestClaude.calls, 4)
    }).pipe(Effect.provide(songs()))
  )

  it.effect("of an interrupted handler use the replies that it has stored", () =>
    Effect.gen(function* () {
      const store = makeStore()
      const ask = Effect.map(generateText("Sing."), ({ text }) => text)
      yield* Effect.exit(asRow(store)(Effect.all([ask, stored("a", Effect.andThen(ask, Effect.interrupt))])))
      assert.deepStrictEqual(yield* asRow(store)(Effect.all([ask, stored("a", ask), ask])), [
        "song 1",
        "song 2",
        "song 3"
      ])
    }).pipe(Effect.provide(songs()))
  )

  it.effect("of equal work in one run have separate places", () =>
    Effect.gen(function* () {
      const store = makeStore()
      const two = (first: string, second: string) =>
        Effect.all([stored("a", Effect.succeed(first)), stored("a", Effect.succeed(second))])
      assert.deepStrictEqual(yield* asRow(store)(two("one", "two")), ["one", "two"])
      assert.deepStrictEqual(yield* asRow(store)(two("x", "y")), ["one", "two"])
    }).pipe(Effect.provide(TestClaude.layer("unused")))
  )
})

/** A Claude that never gives the same answer twice. */
const songs = () => {
  let count = 0
  return TestClaude.layer(() => `song ${++count}`)
}

const stored = <E, R>(id: string, work: Effect.Effect<string, E, R>) =>
  Effect.flatMap(HandlerStore, (store) => store?.stored(id, work) ?? Effect.die("there is no store"))
