import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Claude, wrap } from "../../src/claude/Claude.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { request } from "../fixtures.ts"

describe("wrap", () => {
  it.effect("puts the outer policy in front of the inner one", () =>
    Effect.gen(function* () {
      const passed: Array<string> = []
      const noting = (name: string) => tapping(() => passed.push(name))
      const layer = TestClaude.layer("Hello.").pipe(noting("inner"), noting("outer"))
      yield* Effect.provide(create, layer)
      assert.deepStrictEqual(passed, ["outer", "inner"])
    })
  )

  it.effect("leaves the other services of the layer visible", () =>
    Effect.gen(function* () {
      const layer = TestClaude.layer("Hello.").pipe(
        tapping(() => {}),
        tapping(() => {})
      )
      assert.deepStrictEqual(yield* Effect.provide(Effect.andThen(create, TestClaude.calls), layer), [request])
    })
  )

  it.effect("releases the resources of a policy when the layer closes", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const note = (what: string) => Effect.sync(() => log.push(what))
      const scoped = wrap((next) =>
        Effect.as(
          Effect.acquireRelease(note("open"), () => note("close")),
          next
        )
      )
      yield* Effect.provide(Effect.andThen(create, note("asked")), scoped(TestClaude.layer("Hello.")))
      assert.deepStrictEqual(log, ["open", "asked", "close"])
    })
  )

  it.effect("types the services and the errors of a policy", () =>
    Effect.gen(function* () {
      const strict = wrap(
        Effect.fnUntraced(function* (next) {
          if ((yield* Tenant) === "") return yield* new NoTenant()
          yield* Effect.addFinalizer(() => Effect.void)
          return next
        })
      )
      const layer = strict(TestClaude.layer("Hello."))
      expectTypeOf(layer).toEqualTypeOf<Layer.Layer<Claude | TestClaude.TestClaude, NoTenant, Tenant>>()
      const ask = (tenant: string) => Effect.provide(create, Layer.provide(layer, Layer.succeed(Tenant, tenant)))
      assert.strictEqual((yield* ask("t1")).message.stop_reason, "end_turn")
      assert.strictEqual((yield* Effect.flip(ask("")))._tag, "NoTenant")
    })
  )

  it("keeps the errors and the requirements of the layer below", () => {
    const below: Layer.Layer<Claude, "broken", "need"> = Layer.effect(Claude, Effect.never)
    const wrapped = below.pipe(wrap((next) => Effect.succeed(next)))
    expectTypeOf(wrapped).toEqualTypeOf<Layer.Layer<Claude, "broken", "need">>()
    expectTypeOf<Layer.Services<typeof wrapped>>().not.toExtend<Scope.Scope>()
  })

  it("does not compile if a policy lacks a member", () => {
    // @ts-expect-error `countTokens` and `capacity` are missing
    assert.isFunction(wrap(({ create, stream }) => Effect.succeed({ create, stream })))
  })
})

// Builders

class Tenant extends Context.Service<Tenant, string>()("test/Tenant") {}
class NoTenant extends Schema.TaggedError<NoTenant>()("NoTenant", {}) {}

const create = Claude.use((claude) => claude.create(request))

const tapping = (onCall: () => void) =>
  wrap((next) =>
    Effect.succeed({ ...next, create: (asked) => Effect.andThen(Effect.sync(onCall), next.create(asked)) })
  )
