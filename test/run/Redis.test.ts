import { assert, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Server from "../../src/run/Redis.ts"
import { missing, server as runningServer } from "./cluster/redisServers.ts"

it.effect("an address of another kind is refused", () =>
  Effect.gen(function* () {
    const { message } = yield* Effect.flip(Server.client("postgres://me:secret@host/x"))
    assert.strictEqual(message, "postgres://host/x: this is no address; write redis://host:6379")
  })
)

it.live.skipIf(missing)(`a connection ends at once, even if the server has stopped to answer${missing}`, () =>
  Effect.gen(function* () {
    const server = yield* runningServer()
    const client = yield* Server.client(server.url)
    const ended = yield* Effect.gen(function* () {
      const redis = yield* Layer.build(client)
      yield* Effect.provide(
        Redis.Redis.use(({ send }) => send("PING")),
        redis
      )
      yield* server.freeze
      yield* Effect.provide(
        Redis.Redis.use(({ send }) => Effect.forkChild(send("PING"))),
        redis
      )
      return yield* Clock.currentTimeMillis
    }).pipe(Effect.scoped)
    assert.isBelow((yield* Clock.currentTimeMillis) - ended, 1000)
  })
)
