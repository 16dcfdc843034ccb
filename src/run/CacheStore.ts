/**
 * Where the command line keeps cached answers: in a Redis or a PostgreSQL database, named by its address, or in an
 * SQLite file, named by its path.
 */
import * as Layer from "effect/Layer"
import { BackingPersistence, layerBackingSql } from "effect/persistence/Persistence"
import * as Schema from "effect/Schema"
import { redact } from "../claude/Redact.ts"
import * as ResponseCache from "../policy/ResponseCache.ts"
import * as Postgres from "./Postgres.ts"
import * as Redis from "./Redis.ts"
import * as Sqlite from "./Sqlite.ts"

/** The store cannot be opened. Once it is open, its failures fail no call. */
export class CacheStoreFailed extends Schema.TaggedError<CacheStoreFailed>()("CacheStoreFailed", {
  /** Where, what went wrong, and what to do. */
  detail: Schema.String
}) {
  override get message() {
    return `the cache cannot be opened: ${this.detail} (flag: --cache)`
  }
}

/**
 * The store at an address, `redis://`, `rediss://` or `postgres://`, or in a file. The packages `redis` and
 * `@effect/sql-pg` are needed only for their addresses.
 */
export const layer = (place: string): Layer.Layer<BackingPersistence, CacheStoreFailed> => {
  if (Redis.isAddress(place)) {
    return orFailed(Layer.provide(ResponseCache.layerRedis, Layer.unwrap(Redis.client(place))))
  }
  if (Postgres.isAddress(place)) return orFailed(Layer.provide(ResponseCache.layerSql(), Postgres.layer(place)))
  if (/^[\w+.-]+:\/\//.test(place)) return notStored(`${Postgres.withoutSecrets(place)}: ${forms}`)
  return orFailed(Layer.provide(layerBackingSql, Sqlite.layer({ path: place })))
}

const forms = "this address is not known; use the path of a file, redis://host:6379 or postgres://host:5432/database"

const orFailed = <E extends Error>(store: Layer.Layer<BackingPersistence, E>) =>
  Layer.catch(store, (error) => notStored(error.message))

const notStored = (detail: string) => Layer.effect(BackingPersistence, failed(detail))

const failed = (detail: string) => new CacheStoreFailed({ detail: redact(detail) })
