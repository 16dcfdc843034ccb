import { assert, describe, it } from "@effect/vitest"
import { randomUUID } from "node:crypto"
import { Context, Effect, Layer } from "effect"
import { Dispatcher } from "../../../src/pipeline/Dispatcher.ts"
import * as BullMq from "../../../src/run/cluster/BullMq.ts"
import { cases } from "./queueCases.ts"
import { keysOf, missing as missingServer, redis, removing, server } from "./redisServers.ts"

const url = process.env["TEST_REDIS_URL"] ?? ""
const missing = url === "" ? ": TEST_REDIS_URL is not set (redis://127.0.0.1:6379)" : ""

/** Removes the keys of the queue at the end. */
const layer = (options: BullMq.Options) => Layer.provideMerge(BullMq.layer(options), removing(url, options.name))

describe("chunks on BullMQ", () => {
  cases({
    missing,
    url,
    layer,
    forgetRenewals: (name) =>
      redis(url, async (client) => {
        await client.del((await client.keys(keysOf(name))).filter((key) => key.endsWith(":lock")))
      }),
    counts: (name) =>
      redis(url, async (client) => ({
        active: await client.lLen(`${BullMq.prefix}:${name}:active`),
        waiting: await client.lLen(`${BullMq.prefix}:${name}:wait`)
      })),
    unreachable: "redis://someone:secret@127.0.0.1:1"
  })

  it.live.skipIf(missing)(`are handed out once all chunks were sent to the server${missing}`, () =>
    Effect.gen(function* () {
      const queue = Context.get(yield* Layer.build(layer({ url, name: `test-${randomUUID()}` })), Dispatcher)
      yield* queue.submit([{ first: 0, generation: 1 }])
      assert.deepStrictEqual(yield* queue.take(1), [])
      yield* queue.repair(Effect.void)
      assert.lengthOf(yield* queue.take(1), 1)
    }).pipe(Effect.scoped)
  )

  it.live.skipIf(missing)(`leave nothing but a few keys of the queue once they are completed${missing}`, () =>
    Effect.gen(function* () {
      const name = `test-${randomUUID()}`
      const queue = Context.get(yield* Layer.build(layer({ url, name })), Dispatcher)
      yield* queue.repair(Effect.void)
      yield* queue.submit(Array.from({ length: 300 }, (_, index) => ({ first: 100 * index, generation: 1 })))
      for (const lease of yield* queue.take(300)) yield* queue.complete(lease)
      const keys = yield* redis(url, (client) => client.keys(keysOf(name)))
      assert.deepStrictEqual(
        keys
          .map((key) => key.slice(`${BullMq.prefix}:${name}:`.length))
          .filter((key) => !key.startsWith("stalled"))
          .toSorted(),
        ["epoch", "events", "id", "marker", "meta"]
      )
    }).pipe(Effect.scoped)
  )

  it.live.skipIf(missingServer)(`end without an error when the server hangs${missingServer}`, () =>
    Effect.gen(function* () {
      const { freeze, url } = yield* server()
      const unhandled: Array<unknown> = []
      const listener = (error: unknown) => void unhandled.push(error)
      process.on("unhandledRejection", listener)
      yield* Effect.addFinalizer(() => Effect.sync(() => process.off("unhandledRejection", listener)))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Layer.build(BullMq.layer({ url, name: "hangs" }))
          yield* freeze
          // The connection asks each second whether the server is alive.
          yield* Effect.sleep("1200 millis")
        })
      )
      yield* Effect.sleep("50 millis")
      assert.deepStrictEqual(unhandled, [])
    }).pipe(Effect.scoped)
  )
})
