/** What every queue of chunks does. */
import { assert, it } from "@effect/vitest"
import { randomUUID } from "node:crypto"
import { Context, Effect, Layer } from "effect"
import { Dispatcher, type DispatcherFailed, type Lease } from "../../../src/pipeline/Dispatcher.ts"

/** A queue under test. */
export interface Subject {
  /** Why the tests cannot run; empty if they can. */
  readonly missing: string
  readonly url: string
  readonly layer: (options: {
    readonly url: string
    readonly name: string
  }) => Layer.Layer<Dispatcher, DispatcherFailed>
  /** Makes it look as if no process had renewed its chunks for a long time. */
  readonly forgetRenewals: (name: string) => Effect.Effect<void>
  /** The chunks that are active, and the chunks that wait. */
  readonly counts: (name: string) => Effect.Effect<{ readonly active: number; readonly waiting: number }>
  /** An address at which no server listens. */
  readonly unreachable: string
}

export const cases = ({ counts, forgetRenewals, layer, missing, unreachable, url }: Subject) => {
  /** Two processes on one queue. */
  const two = Effect.fnUntraced(function* (name = `test-${randomUUID()}`) {
    const [one, other] = [yield* Layer.build(layer({ url, name })), yield* Layer.build(layer({ url, name }))]
    const [first, second] = [Context.get(one, Dispatcher), Context.get(other, Dispatcher)]
    yield* first.repair(Effect.void)
    return [first, second] as const
  })

  it.live.skipIf(missing)(`go to one process each, and are sent once${missing}`, () =>
    Effect.gen(function* () {
      const [one, other] = yield* two()
      const chunks = Array.from({ length: 5 }, (_, index) => ({ first: 100 * index, generation: 1 }))
      yield* one.submit(chunks)
      yield* other.submit([...chunks.slice(2), { first: 500, generation: 1 }])
      const taken = yield* Effect.all([one.take(2), other.take(4), one.take(4)], { concurrency: 3 })
      const firsts = taken.flat().map(({ first }) => first)
      assert.deepStrictEqual(
        firsts.toSorted((a, b) => a - b),
        [0, 100, 200, 300, 400, 500]
      )
      assert.isTrue(taken.flat().every((lease) => lease.isHeld()))
    }).pipe(Effect.scoped)
  )

  it.live.skipIf(missing)(`are taken again at once when they are given back, and never when completed${missing}`, () =>
    Effect.gen(function* () {
      const [one, other] = yield* two()
      yield* one.submit([
        { first: 0, generation: 1 },
        { first: 100, generation: 1 }
      ])
      const taken = yield* one.take(2)
      for (const lease of taken) yield* lease.first === 0 ? one.giveBack(lease) : one.complete(lease)
      assert.deepStrictEqual(
        (yield* other.take(2)).map(({ first }) => first),
        [0]
      )
      assert.deepStrictEqual(yield* one.take(2), [])
    }).pipe(Effect.scoped)
  )

  it.live.skipIf(missing)(`are sent again in a later generation${missing}`, () =>
    Effect.gen(function* () {
      const [one, other] = yield* two()
      yield* one.submit([{ first: 4_000_000_000, generation: 1 }])
      for (const lease of yield* one.take(1)) yield* one.complete(lease)
      yield* one.submit([{ first: 4_000_000_000, generation: 2 }])
      assert.deepStrictEqual(
        (yield* other.take(1)).map(({ first, generation }) => ({ first, generation })),
        [{ first: 4_000_000_000, generation: 2 }]
      )
    }).pipe(Effect.scoped)
  )

  it.live.skipIf(missing)(
    `go to another process when the first one renews them no more, which then cannot end them${missing}`,
    () =>
      Effect.gen(function* () {
        const name = `test-${randomUUID()}`
        const [one, other] = yield* two(name)
        yield* one.submit([
          { first: 0, generation: 1 },
          { first: 100, generation: 1 },
          { first: 200, generation: 1 }
        ])
        const lost: Array<Lease> = []
        yield* one.onLost((lease) => void lost.push(lease))
        const [first, second, third] = yield* one.take(3)
        yield* forgetRenewals(name)
        const again: Array<Lease> = []
        const takeMore = Effect.map(other.take(3), (leases) => void again.push(...leases))
        yield* Effect.repeat(Effect.delay(takeMore, "100 millis"), { until: () => again.length === 3, times: 100 })
        if (first !== undefined) yield* one.complete(first)
        if (second !== undefined) yield* one.giveBack(second)
        assert.deepStrictEqual(yield* counts(name), { active: 3, waiting: 0 })
        yield* Effect.repeat(Effect.sleep("100 millis"), { until: () => lost.length > 0, times: 50 })
        assert.deepStrictEqual(lost, [third])
        for (const lease of again) yield* other.complete(lease)
        assert.deepStrictEqual(yield* counts(name), { active: 0, waiting: 0 })
      }).pipe(Effect.scoped),
    20_000
  )

  it.live.skipIf(missing)(`cannot be handed out without a server, and the message has no password${missing}`, () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Layer.build(layer({ url: unreachable, name: "test" })))
      assert.include(error.message, "//127.0.0.1:1")
      assert.notInclude(error.message, "secret")
    }).pipe(Effect.scoped)
  )
}
