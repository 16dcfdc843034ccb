/**
 * Rows from standard input. A job reads its rows more than once, so they are kept in a temporary file until the process
 * ends.
 */
import { closeSync, createWriteStream, mkdtempSync, openSync, readSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import * as Effect from "effect/Effect"
import * as Dataset from "../pipeline/Dataset.ts"
import * as ErrorText from "./ErrorText.ts"

const failed = (detail: string) => new Dataset.DatasetFailed({ path: "-", detail })

/** The file of the process. A command may run a job twice, and standard input is read once. */
let kept: Promise<string> | undefined

const keep = async () => {
  const folder = mkdtempSync(join(tmpdir(), "effect-claude-"))
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, "rows")
  await pipeline(process.stdin, createWriteStream(file))
  return file
}

/** The source of standard input. */
export const source = Effect.gen(function* () {
  if (process.stdin.isTTY) return yield* failed("standard input is a terminal; pipe rows into it, or name a file")
  const file = yield* Effect.tryPromise({
    try: () => (kept ??= keep()),
    catch: (error) => failed(`cannot be kept in ${tmpdir()}: ${ErrorText.of(error)}; make room there, or name a file`)
  })
  return yield* Dataset.sourceOf(file, { name: "stdin", ending: endingOf(headOf(file)) })
})

const headOf = (path: string) => {
  const file = openSync(path, "r")
  const head = Buffer.alloc(4096)
  const size = readSync(file, head)
  closeSync(file)
  return head.subarray(0, size)
}

/** The ending of a file with such a start: of an array `.json`, of an object a line `.jsonl`, otherwise `.csv`. */
const endingOf = (head: Buffer): string => {
  const [first] = head
    .toString()
    .replace(/^\uFEFF/, "")
    .trimStart()
  return first === "[" ? ".json" : first === "{" ? ".jsonl" : ".csv"
}
