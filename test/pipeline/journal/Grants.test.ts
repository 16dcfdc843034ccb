import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { postgres } from "./databases.ts"
import { dies, joined, submitted } from "./processes.ts"

describe.skipIf(postgres.missing !== "")(`the concurrency of a job over several processes${postgres.missing}`, () => {
  it.live("is divided equally between those that want more", () =>
    Effect.gen(function* () {
      yield* submitted({ concurrency: 10 })
      const [one, other] = [yield* member, yield* member]
      assert.strictEqual(yield* one.wants(100), 10)
      // The first one holds all of it.
      assert.strictEqual(yield* other.wants(100), 0)
      assert.strictEqual(yield* one.wants(100), 5)
      assert.strictEqual(yield* other.wants(100), 5)
      assert.strictEqual(yield* other.wants(2), 2)
      assert.strictEqual(yield* one.wants(100), 8)
      assert.strictEqual(yield* other.wants(3), 2)
    }).pipe(provide)
  )

  it.live("is divided between processes that ask at the same time", () =>
    Effect.gen(function* () {
      yield* submitted({ concurrency: 10 })
      const members = yield* Effect.forEach([1, 2, 3, 4], () => member)
      const all = (wants: number) => Effect.forEach(members, (one) => one.wants(wants), { concurrency: members.length })
      for (let round = 0; round < 5; round++) {
        const granted = yield* all(100)
        assert.isAtMost(
          granted.reduce<number>((sum, one = 0) => sum + one, 0),
          10
        )
        yield* all(0)
      }
    }).pipe(provide)
  )

  it.live("has no limit if none was submitted, and follows a change", () =>
    Effect.gen(function* () {
      yield* submitted({})
      const one = yield* member
      assert.isUndefined(yield* one.wants(100))
      yield* one.chunks.setLimits({ concurrency: 7 })
      assert.deepStrictEqual(yield* one.chunks.limits, { concurrency: 7 })
      assert.strictEqual(yield* one.wants(100), 7)
    }).pipe(provide)
  )

  it.live("is free again when a process ends or dies", () =>
    Effect.gen(function* () {
      yield* submitted({ concurrency: 9 })
      const [one, other, last] = [yield* member, yield* member, yield* member]
      yield* one.wants(4)
      yield* other.wants(4)
      assert.strictEqual(yield* last.wants(100), 1)
      yield* one.end
      assert.strictEqual(yield* last.wants(100), 5)
      yield* dies(other.run)
      assert.strictEqual(yield* last.wants(100), 9)
    }).pipe(provide)
  )

  it.live("is never exceeded by the grants together, however processes want, hold and end", () =>
    Effect.gen(function* () {
      const limit = 12
      yield* submitted({ concurrency: limit })
      let members = yield* Effect.forEach([1, 2, 3, 4], () => member)
      const step = Effect.gen(function* () {
        const wants = yield* Random.nextIntBetween(0, 20)
        const [one] = yield* Random.shuffle(members)
        if (one === undefined) return
        const held = yield* Random.nextIntBetween(0, one.granted())
        yield* one.wants(wants, held)
        assert.isAtLeast(one.granted(), held)
        assert.isAtMost(
          members.reduce((sum, { granted }) => sum + granted(), 0),
          limit
        )
      })
      const leave = Effect.gen(function* () {
        const [one, ...others] = members
        yield* one?.end ?? Effect.void
        members = [...others, yield* member]
      })
      for (let round = 0; round < 5; round++) {
        yield* Effect.replicateEffect(step, 12)
        yield* Effect.forEach(members, ({ wants }) => wants(5, 0), { concurrency: 4, discard: true })
        yield* leave
      }
    }).pipe(provide)
  )
})

// Builders

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) => effect.pipe(Effect.scoped, Effect.provide(postgres.layer))

/** A process with its grant. `wants` asks for one; by default, none of its calls are in flight. */
const member = Effect.map(joined, ({ chunks, end, run }) => {
  let granted = 0
  const wants = (wants: number, held = 0) =>
    Effect.map(chunks.grants.take({ wants, held }), (answer) => {
      granted = answer ?? 0
      return answer
    })
  return { chunks, run, wants, granted: () => granted, end }
})
