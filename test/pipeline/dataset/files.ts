import { mkdtemp, rm } from "node:fs/promises"
import { writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Dataset from "../../../src/pipeline/Dataset.ts"
import * as NodeCompression from "../../../src/run/NodeCompression.ts"

export const provideNode = Effect.provide(Layer.mergeAll(NodeServices.layer, NodeCompression.layer))

/** A folder that exists until the end of the test. */
export const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "dataset-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

export const fileOf = (name: string, content: string | Uint8Array) =>
  Effect.map(folder, (directory) => {
    const path = join(directory, name)
    writeFileSync(path, content)
    return path
  })

/** The rows of a file: the values, and the messages of invalid rows. If it cannot be read, the message why. */
export const read = <A>(schema: Schema.ConstraintDecoder<A>, path: string) =>
  Dataset.fromFile(schema, path).rows.pipe(
    Stream.map((row) => (Result.isSuccess(row) ? row.success.value : row.failure.message)),
    Stream.runCollect,
    Effect.catchTag("DatasetFailed", ({ message }) => Effect.succeed(message)),
    Effect.map((found) => (Array.isArray(found) ? found.map((row) => without(path, row)) : without(path, found)))
  )

/** Messages without the folder and the part that all have. */
const without = (path: string, text: unknown) =>
  typeof text === "string"
    ? text.replaceAll(join(path, "..", "/"), "").replace(/; fix the \w+, and run again$/, "")
    : text
