/**
 * Where the command line keeps answers: in a Redis, named by its URL, or in an SQLite file, named by its path.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { BackingPersistence, layerBackingSql } from "effect/persistence/Persistence"
import * as Schema from "effect/Schema"
import { redact } from "../claude/Redact.ts"
import * as ResponseCache from "../policy/ResponseCache.ts"
import * as Sqlite from "./Sqlite.ts"

/** The store cannot be opened. Once it is open, what fails there fails no call. */
export class CacheStoreFailed extends Schema.TaggedError<CacheStoreFailed>()("CacheStoreFailed", {
  /** Where, what went wrong, and what to do. */
  detail: Schema.String
}) {
  override get message() {
    return `the cache cannot be opened: ${this.detail}`
  }
}

/** The store at a `redis://` or `rediss://` URL, for which the package `redis` is needed, or in a file. */
export const layer = (place: string): Layer.Layer<BackingPersistence, CacheStoreFailed> =>
  /^rediss?:\/\//.test(place) ? redis(place) : sqlite(place)

const sqlite = (path: string) =>
  layerBackingSql.pipe(
    Layer.provide(Sqlite.layer({ path })),
    Layer.catch((error) => Layer.effect(BackingPersistence, failed(error.message.replaceAll("--state", "--cache"))))
  )

/** Loaded when asked for: `redis` is no dependency of ours. */
const redis = (url: string) => {
  // User and password stay out of messages.
  const place = url.replace(/\/\/.*@/, "//")
  const client = Effect.map(
    Effect.tryPromise({
      try: () => import("@effect/platform-node/NodeRedis"),
      catch: () => failed("the package redis is missing: npm install redis")
    }),
    (NodeRedis) => NodeRedis.layer({ url })
  )
  return ResponseCache.layerRedis.pipe(
    Layer.provide(Layer.unwrap(client)),
    Layer.catchTag("RedisError", ({ cause }) =>
      Layer.effect(BackingPersistence, failed(`${place}: ${wordsOf(cause)}; start it, or use another --cache`))
    )
  )
}

const failed = (detail: string) => new CacheStoreFailed({ detail: redact(detail) })

const wordsOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))
