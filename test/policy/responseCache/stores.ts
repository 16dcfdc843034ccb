/**
 * Every backend as a layer, for the tests of the cache. The environment holds the addresses of servers.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import { layerBackingKvs, layerBackingSql } from "effect/persistence/Persistence"
import * as ResponseCache from "../../../src/policy/ResponseCache.ts"
import * as Sqlite from "../../../src/run/Sqlite.ts"

/** One file for each answer. */
export const files = (folder: string) =>
  layerBackingKvs.pipe(
    Layer.provide(KeyValueStore.layerFileSystem(folder)),
    Layer.provide([NodeFileSystem.layer, NodePath.layer]),
    Layer.orDie
  )

export const sqlite = (path: string) => layerBackingSql.pipe(Layer.provide(sqliteClient(path)), Layer.orDie)

export const postgres = (url: string) => ResponseCache.layerSql().pipe(Layer.provide(postgresClient(url)), Layer.orDie)

export const sqliteClient = (path: string) => Sqlite.layer({ path })

export const postgresClient = (url: string) => PgClient.layer({ url: Redacted.make(url) })

export const redis = (url: string) =>
  ResponseCache.layerRedis.pipe(Layer.provide(NodeRedis.layer({ url })), Layer.orDie)
