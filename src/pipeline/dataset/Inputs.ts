/**
 * What an input names: a file, the files of a pattern, a folder of texts, or what `Sources` opens.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stream from "effect/Stream"
import { DatasetFailed, fromPlatform } from "./DatasetFailed.ts"
import * as Formats from "./Formats.ts"
import { type Source, Sources } from "./Sources.ts"
import * as TextFiles from "./TextFiles.ts"

/** Whether an input is the path of one file of rows, by how it is written. */
export const isFile = (input: string): boolean => Formats.isKnown(input) && !pattern.test(input)

const pattern = /[*?[{]/

/** The sources of an input, in the order in which they are read. */
export const resolve = Effect.fnUntraced(function* (input: string) {
  const open = yield* Sources
  const source = yield* open(input)
  if (source !== undefined) return [source]
  const fs = yield* FileSystem.FileSystem
  const found = yield* Effect.option(fs.stat(input))
  if (found._tag === "Some" && found.value.type === "Directory" && !Formats.isKnown(input)) {
    return [{ values: "json", pages: TextFiles.pages(input), path: input }] satisfies ReadonlyArray<Source>
  }
  if (found._tag === "Some" || !pattern.test(input)) return [yield* fileOf(input)]
  const files = yield* Effect.mapError(fs.glob(input), (error) => fromPlatform(input, error))
  if (files.length > 0) return yield* Effect.forEach(files, fileOf)
  return yield* new DatasetFailed({ path: input, detail: "no file has such a path; correct the pattern" })
})

const fileOf = (path: string): Effect.Effect<Source, DatasetFailed> =>
  Effect.map(Formats.of(path), ({ read, values }) => ({ path, values, pages: read(Formats.open(path)) }))

/** A file that messages name otherwise, and whose format another ending has. */
export const named = (
  path: string,
  { ending, name }: { readonly ending: string; readonly name: string }
): Effect.Effect<Source, DatasetFailed> =>
  Effect.map(Formats.of(ending), ({ read, values }) => {
    const bytes = Stream.mapError(Formats.open(path).bytes, ({ detail }) => new DatasetFailed({ path: name, detail }))
    return { values, pages: read({ path: name, isCompressed: true, bytes }) }
  })
