import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { Lease } from "../../../src/policy/responseCache/Lease.ts"
import * as Sql from "../../../src/policy/responseCache/Sql.ts"
import * as Sqlite from "../../../src/run/Sqlite.ts"

describe("a lease in a database", () => {
  it.effect("passes to another holder when it has expired, as after the end of its process", () =>
    Effect.gen(function* () {
      const lease = (yield* Lease) ?? assert.fail("no leases")
      const hold = (holder: string) => lease.hold("key", holder, Duration.seconds(30))
      assert.isTrue(yield* hold("killed"))
      yield* TestClock.adjust("29 seconds")
      assert.isFalse(yield* hold("other"))
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* hold("other"))
    }).pipe(Effect.provide(Sql.layer().pipe(Layer.provide(Sqlite.layerMemory))))
  )
})
