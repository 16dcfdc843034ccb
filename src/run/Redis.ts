/**
 * A Redis server as the service `Redis`, for a cache or for shared rate limits. It needs the optional package `redis`.
 * Errors never show the user or the password of the address.
 */
import type { NodeRedis } from "@effect/platform-node/NodeRedis"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Schema from "effect/Schema"
import { withoutSecrets } from "./Postgres.ts"

/** The server cannot be used: no package, no address, no answer, a wrong password. */
export class RedisFailed extends Schema.TaggedError<RedisFailed>()("RedisFailed", {
  /** The address without user and password. */
  place: Schema.String,
  /** What went wrong and what to do. */
  detail: Schema.String
}) {
  override get message() {
    return `${this.place}: ${this.detail}`
  }
}

/** Whether a place is an address of a Redis server. */
export const isAddress = (place: string): boolean => /^rediss?:\/\//.test(place)

/** Whether a client can read an address. */
export const isValid = (url: string): boolean => isAddress(url) && URL.canParse(url)

/** What to do about an address that is not valid. */
export const invalid = (url: string): string => `${withoutSecrets(url)} is no address: write redis://host:6379`

/** Checks the address and the package. The layer connects each time it is built. */
export const client = (url: string): Effect.Effect<Layer.Layer<Redis.Redis, RedisFailed>, RedisFailed> => {
  const place = withoutSecrets(url)
  const fail = (detail: string) => new RedisFailed({ place, detail })
  if (!isValid(url)) return fail("this is no address; write redis://host:6379")
  return Effect.map(
    Effect.tryPromise({
      try: () => import("@effect/platform-node/NodeRedis"),
      catch: () => fail("the package redis is missing: npm install redis")
    }),
    (module) =>
      Layer.provideMerge(closing(module.NodeRedis), module.layer({ url })).pipe(
        Layer.catchTag("RedisError", ({ cause }) => Layer.effect(Redis.Redis, fail(`${reason(cause)}; ${remedy}`)))
      )
  )
}

const remedy = "check that the server runs and that the address is right"
const reason = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))

/** Ends the connection at once: the client would wait for commands that a server in trouble never answers. */
const closing = (service: typeof NodeRedis) =>
  Layer.effectDiscard(
    service.use(({ client }) =>
      Effect.addFinalizer(() =>
        Effect.sync(() => {
          if (client.isOpen) client.destroy()
        })
      )
    )
  )
