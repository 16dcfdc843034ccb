import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Exchange from "../../../../src/testing/emulator/wire/Exchange.ts"
import * as Server from "../../../../src/testing/emulator/wire/Server.ts"

const anyPort = { host: "127.0.0.1", port: 0 }

describe("Server.serve", () => {
  it.live("interrupts the handler when its client hangs up", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const interrupted = yield* Deferred.make<void>()
      const url = yield* Server.serve(
        () =>
          Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
            Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
          ),
        anyPort
      )
      const fiber = yield* Effect.forkChild(Effect.tryPromise((signal) => fetch(url, { signal })))
      yield* Deferred.await(started)
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(interrupted)
    })
  )

  it.live("interrupts a stream when its client hangs up", () =>
    Effect.gen(function* () {
      const interrupted = yield* Deferred.make<void>()
      const body = Stream.concat(Stream.make("first"), Stream.never).pipe(
        Stream.ensuring(Deferred.succeed(interrupted, undefined))
      )
      const url = yield* Server.serve(() => Effect.succeed({ status: 200, headers: {}, body }), anyPort)
      const head = Effect.flatMap(Effect.abortSignal, (signal) => Effect.promise(() => fetch(url, { signal })))
      const response = yield* Effect.scoped(head)
      assert.strictEqual(response.status, 200)
      yield* Deferred.await(interrupted)
    })
  )

  it.live("drops a connection before the headers, and in the middle of a body", () =>
    Effect.gen(function* () {
      const outcome = Effect.fnUntraced(function* (handle: Exchange.Handler) {
        const url = yield* Server.serve(handle, anyPort)
        const get = Effect.tryPromise({ try: () => fetch(url).then((response) => response.text()), catch: String })
        return yield* Effect.flip(get)
      })
      for (const how of ["refused", "reset"] as const) {
        const dropped = new Exchange.Dropped({ how })
        assert.strictEqual(yield* outcome(() => Effect.fail(dropped)), "TypeError: fetch failed")
        const body = Stream.concat(Stream.make("first"), Stream.fromEffect(Effect.delay(Effect.fail(dropped), 50)))
        const broken = outcome(() => Effect.succeed({ status: 200, headers: {}, body }))
        assert.strictEqual(yield* broken, "TypeError: terminated")
      }
    })
  )

  it.live("closes at once, whatever is in flight", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const scope = yield* Scope.make()
      const url = yield* Server.serve(
        () => Effect.andThen(Deferred.succeed(started, undefined), Effect.never),
        anyPort
      ).pipe(Scope.provide(scope))
      yield* Effect.forkChild(Effect.ignore(Effect.tryPromise(() => fetch(url))))
      yield* Deferred.await(started)
      const closed = yield* Effect.timeoutOption(Scope.close(scope, Exit.void), "2 seconds")
      assert.isTrue(Option.isSome(closed))
    })
  )
})
