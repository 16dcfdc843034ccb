/**
 * Checks the files that a run writes: they are different files, also through links, and the input contains none of them.
 * Otherwise a run would overwrite its rows, or the next run would read what this one writes.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import type { Dataset } from "./Dataset.ts"

const Content = Schema.Literals(["output", "failures", "rejects", "state"])

/** The content of a file: results, failed rows, invalid rows, or the state of the job. */
export type Content = typeof Content.Type

/** Every content, in the order in which their files are named. */
export const contents: ReadonlyArray<Content> = Content.literals

/** The file is an input, or has another content already. */
export class DestinationTaken extends Schema.TaggedError<DestinationTaken>()("DestinationTaken", {
  path: Schema.String,
  content: Content,
  /** `found`: the pattern or the folder of an input has the file, or will have it once it exists. */
  by: Schema.Literals(["input", "found", "output", "failures", "rejects"])
}) {
  override get message() {
    return `${this.path}: ${takenBy[this.by]}; ${remedies[this.content]}`
  }
}

const takenBy = {
  input: "this is the input",
  found: "the folder or the pattern of the input would include this file",
  output: "this is the output too",
  failures: "the failed rows are written to this file too, which is next to the output",
  rejects: "the invalid rows are written to this file too"
}

const remedies = {
  output: "write the output to another file",
  failures: "the failed rows are written next to the output: write the output to another file",
  rejects: "write the invalid rows to another file",
  state: "keep the state in another file"
}

/** The file of each content that a run writes. */
export type Destinations = { readonly [C in Content]?: string | undefined }

/** Fails if a file is another one too, or a file of the input, also under another name or through a link. */
export const check = Effect.fn("Destinations.check")(function* (
  source: Pick<Dataset<unknown>, "files" | "path">,
  destinations: Destinations
) {
  const places: Array<Place> = []
  for (const content of contents) {
    const path = destinations[content]
    if (path === undefined) continue
    const place = { content, path, ...(yield* locate(path)) }
    const same = places.find((other) => isSame(other, place))
    if (same !== undefined && same.content !== "state") {
      return yield* new DestinationTaken({ path, content, by: same.content })
    }
    places.push(place)
  }
  const files = yield* Effect.forEach(yield* source.files, locate)
  for (const place of places) {
    const { content, path } = place
    if (files.some((file) => isSame(file, place))) return yield* new DestinationTaken({ path, content, by: "input" })
    if (files.some((file) => isInside(file, place))) return yield* new DestinationTaken({ path, content, by: "found" })
  }
  // Only a pattern finds files that do not exist yet.
  if (source.path === undefined && files.length > 0)
    yield* Effect.forEach(places, (place) => checkPattern(source, place))
})

interface Location {
  /** The absolute path without links, also of a file that does not exist. */
  readonly real: string
  /** Identifies a file under all its names; undefined if it does not exist. */
  readonly identity: string | undefined
  readonly isFolder: boolean
}

interface Place extends Location {
  readonly content: Content
  readonly path: string
}

const locate = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const { resolve } = yield* Path.Path
  const real = yield* realOf(resolve(path))
  const info = Option.getOrUndefined(yield* Effect.option(fs.stat(path)))
  const identity = info && Option.getOrUndefined(Option.map(info.ino, (number) => `${info.dev}:${number}`))
  return { real, identity, isFolder: info?.type === "Directory" } satisfies Location
})

const realOf: (path: string) => Effect.Effect<string, never, FileSystem.FileSystem | Path.Path> = Effect.fnUntraced(
  function* (path) {
    const fs = yield* FileSystem.FileSystem
    const { basename, dirname, join } = yield* Path.Path
    const real = yield* Effect.option(fs.realPath(path))
    if (Option.isSome(real)) return real.value
    const folder = dirname(path)
    return folder === path ? path : join(yield* realOf(folder), basename(path))
  }
)

const isSame = (one: Location, other: Location): boolean =>
  one.real === other.real || (one.identity !== undefined && one.identity === other.identity)

/** Whether a folder of texts has the file. It leaves out names that begin with a dot. */
const isInside = (folder: Location, { real }: Location): boolean =>
  folder.isFolder && real.startsWith(folder.real) && /^[/\\](?!\.)(?!.*[/\\]\.)/.test(real.slice(folder.real.length))

/** Fails if the input finds the file once it exists. */
const checkPattern = Effect.fnUntraced(function* (
  { files }: Pick<Dataset<unknown>, "files">,
  { content, identity, path }: Place
) {
  if (identity !== undefined) return
  const fs = yield* FileSystem.FileSystem
  // Another process may open the state meanwhile, so a file of a similar name is made in its place.
  const made = content === "state" ? path.replace(/(\.\w+)?$/, ".new$1") : path
  const find = Effect.gen(function* () {
    const one = yield* locate(made)
    // An input that cannot be opened any more has found a file that is no input.
    const found = yield* Effect.option(files)
    if (Option.isNone(found)) return true
    for (const file of found.value) if (isSame(yield* locate(file), one)) return true
    return false
  })
  const isFound = yield* Effect.acquireUseRelease(
    Effect.isSuccess(fs.writeFile(made, new Uint8Array(), { flag: "wx" })),
    (isMade) => (isMade ? find : Effect.succeed(false)),
    (isMade) => (isMade ? Effect.ignore(fs.remove(made)) : Effect.void)
  )
  if (isFound) return yield* new DestinationTaken({ path, content, by: "found" })
})
