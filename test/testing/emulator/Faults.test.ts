import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Faults from "../../../src/testing/emulator/Faults.ts"

describe("FaultsFromString", () => {
  it.effect("reads what the command line writes", () =>
    Effect.gen(function* () {
      const faults = yield* decode("429:0.02,529:0.01")
      assert.deepStrictEqual(faults, [
        { status: 429, rate: 0.02 },
        { status: 529, rate: 0.01 }
      ])
      assert.strictEqual(yield* Schema.encodeEffect(Faults.FaultsFromString)(faults), "429:0.02,529:0.01")
    })
  )

  it.effect("says what is wrong and what to write", () =>
    Effect.gen(function* () {
      for (const text of ["429", "429:2", "200:0.5", "429:", "", "529:0.1,x"]) {
        const error = yield* Effect.flip(decode(text))
        assert.include(error.message, "is not a fault: write status:rate, such as 429:0.02", text)
      }
      const error = yield* Effect.flip(decode("429:0.7,529:0.7"))
      assert.include(error.message, "the rates add up to 1.4; lower them to 1 or less in all")
    })
  )
})

describe("Faults.draw", () => {
  it("meets each fault about as often as its rate says", () => {
    const faults: Faults.Faults = [
      { status: 429, rate: 0.2 },
      { status: 529, rate: 0.1 }
    ]
    const statuses = Array.from({ length: 5000 }, (_, index) => Faults.draw(faults, 1, `request ${index}`, 1)?.status)
    const share = (status: number | undefined) => statuses.filter((drawn) => drawn === status).length / 5000
    assert.closeTo(share(429), 0.2, 0.02)
    assert.closeTo(share(529), 0.1, 0.02)
    assert.closeTo(share(undefined), 0.7, 0.03)
  })

  it("depends on the seed and on the occurrence", () => {
    const faults: Faults.Faults = [{ status: 529, rate: 0.5 }]
    const row = (seed: number) => Array.from({ length: 64 }, (_, n) => Faults.draw(faults, seed, "request", n)?.status)
    assert.deepStrictEqual(row(1), row(1))
    assert.notDeepEqual(row(1), row(2))
    assert.isAbove(new Set(row(1)).size, 1)
  })
})

const decode = Schema.decodeEffect(Faults.FaultsFromString)
