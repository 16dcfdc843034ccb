import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Flights from "../../../src/policy/responseCache/Flights.ts"
import { message } from "../../fixtures.ts"

describe("a flight", () => {
  it.effect("is not ended by who led the one before", () =>
    Effect.gen(function* () {
      const flights = Flights.make()
      const before = yield* Scope.make()
      const first = yield* Scope.provide(flights.board("k"), before)
      if (first.leads) first.land(landing)
      const second = yield* flights.board("k")
      yield* Scope.close(before, Exit.void)
      const third = yield* Effect.forkChild(flights.board("k"), { startImmediately: true })
      assert.isUndefined(third.pollUnsafe())
      if (second.leads) second.land(landing)
      assert.deepStrictEqual(yield* Fiber.join(third), { leads: false, landing })
    })
  )

  it.effect("is none to who only follows, where nobody leads", () =>
    Effect.gen(function* () {
      const flights = Flights.make()
      assert.isUndefined(yield* flights.follow("k"))
      assert.isTrue((yield* flights.board("k")).leads)
    })
  )
})

// Builders

const landing = Exit.succeed({ message: message(), requestId: "req_1", origin: "api", rateLimits: undefined } as const)
