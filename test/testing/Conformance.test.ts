/**
 * Runs the same behaviours of our client over the emulator and over recorded exchanges, and compares the two.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { behaviours } from "./conformance/Behaviours.ts"
import { differences, disagreements, isMeant } from "./conformance/Differences.ts"
import * as Pairs from "./conformance/Pairs.ts"

const folder = process.env["WIRE_CORPUS"]
const pairs = folder === undefined ? [] : await Effect.runPromise(Pairs.load(folder))

describe("over the emulator", () => {
  for (const { asks, expected, name } of behaviours) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const last = (yield* Pairs.overEmulator(asks)).at(-1) ?? {}
        const found = Object.fromEntries(Object.keys(expected).map((fact) => [fact, last[fact] ?? "absent"]))
        assert.deepStrictEqual(found, expected)
      })
    )
  }
})

describe.skipIf(folder === undefined)("over recorded exchanges (skipped unless WIRE_CORPUS names their folder)", () => {
  for (const { name, shows } of behaviours) {
    const found = pairs.filter(shows)
    if (found.length === 0) continue
    it(`${name}: ${found.length} recorded`, () => {
      const unmeant = found.flatMap((pair) =>
        disagreements(pair.shape, pair.emulated)
          .filter((one) => !differences.some((difference) => isMeant(difference, one, pair.name)))
          .map(({ emulated, fact, recorded }) => `${pair.name}: ${fact} was ${recorded}, the emulator has ${emulated}`)
      )
      assert.deepStrictEqual(unmeant, [], "mend the emulator, or say in Differences.ts why it differs")
    })
  }

  it(`each of ${pairs.length} recorded exchanges shows a behaviour`, () => {
    const others = pairs.filter((pair) => !behaviours.some(({ shows }) => shows(pair)))
    assert.deepStrictEqual(
      others.map(({ name }) => name),
      []
    )
  })

  it(`each of ${differences.length} differences still occurs`, () => {
    const occurs = pairs.flatMap(({ emulated, name, shape }) =>
      disagreements(shape, emulated).map((one) => ({ one, name }))
    )
    const gone = differences.filter((difference) => !occurs.some(({ name, one }) => isMeant(difference, one, name)))
    assert.deepStrictEqual(gone, [], "take them out of Differences.ts")
  })
})
